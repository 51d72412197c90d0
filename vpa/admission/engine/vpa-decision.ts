import type { KubeObject } from '../../../core/model/object.ts';
import type { AdmissionAnswer, PatchOperation } from './review.ts';

export interface VpaValidationInput {
  readonly object: KubeObject;
  /** The stored object; `undefined` when the object is being created (quirk Q1: upstream cannot tell). */
  readonly old: KubeObject | undefined;
}

export interface VpaValidation {
  /** All of them, in the order in which they are told. */
  readonly problems: readonly { readonly path: string; readonly message: string }[];
  readonly warnings: readonly string[];
}

/** Checks a VerticalPodAutoscaler (spec 2.2). */
export type VpaValidator = (input: VpaValidationInput) => VpaValidation;

/** Refuses an object with problems, naming all; gives one without `updatePolicy` the default mode. */
export function decideVpa(input: VpaValidationInput, validate: VpaValidator): AdmissionAnswer {
  const { problems, warnings } = validate(input);
  if (problems.length > 0) {
    const sentences = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    return {
      allowed: false,
      warnings,
      status: {
        code: 422,
        reason: 'Invalid',
        message: sentences.join('; '),
        details: { causes: problems.map(({ path, message }) => ({ reason: 'FieldValueInvalid', message, field: path })) },
      },
    };
  }
  return { allowed: true, warnings, patch: defaults(input.object) };
}

function defaults({ spec }: KubeObject): readonly PatchOperation[] {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) return [];
  const { updatePolicy } = spec as { updatePolicy?: unknown };
  return updatePolicy === undefined || updatePolicy === null
    ? [{ op: 'add', path: '/spec/updatePolicy', value: { updateMode: 'Recreate' } }]
    : [];
}
