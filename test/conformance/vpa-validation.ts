import type { KubeObject } from '../../core/model/object.ts';
import { validateVpa } from '../../vpa/policy-validation.ts';
import type { VectorCase } from './runners.ts';

interface ValidationInput {
  readonly spec?: unknown;
  readonly options: {
    readonly create: boolean;
    readonly allowStartupBoost: boolean;
    readonly allowPerVpaConfig: boolean;
    readonly allowInPlace: boolean;
    readonly existingControlledResources?: readonly string[] | null;
  };
}

interface ValidationExpected {
  readonly valid: boolean;
  readonly field?: string;
  readonly error?: string;
  readonly warnings: number;
}

function vpa(spec: unknown): KubeObject {
  return { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name: 'v', namespace: 'n' }, spec };
}

/** `admission.validateVpa`: of the problems the first one counts. */
export function vpaValidationRunner({ op, input, expected }: VectorCase): readonly string[] {
  if (op !== 'admission.validateVpa') return [`operation ${op} is not known`];
  const { spec, options } = input as unknown as ValidationInput;
  const wanted = expected as unknown as ValidationExpected;
  // The vectors say what is allowed, whether by a gate or because the old object has it; that object is a part of the question only for what it controls.
  const { problems, warnings } = validateVpa(vpa(spec), {
    old: options.create
      ? undefined
      : vpa({ resourcePolicy: { containerPolicies: [{ controlledResources: options.existingControlledResources }] } }),
    gates: { startupBoost: options.allowStartupBoost, perVpaConfig: options.allowPerVpaConfig, inPlace: options.allowInPlace },
  });
  const [first] = problems;
  const given: ValidationExpected = {
    valid: first === undefined,
    ...(first === undefined ? {} : { field: first.path, error: first.kind }),
    warnings: warnings.length,
  };
  return (['valid', 'field', 'error', 'warnings'] as const).flatMap((key) =>
    wanted[key] === given[key] ? [] : [`${key}: expected ${String(wanted[key])}, got ${String(given[key])}`],
  );
}
