/** Requirements instead of an instance type: attribute-based selection (§16). Pure. */
import type { ResourceList } from '../../../../core/model/index.ts';

/** `InstanceRequirements` of Auto Scaling and of EC2, which have the same fields; only what is looked at here is named. */
export interface InstanceRequirementsFacts {
  readonly VCpuCount?: Range | undefined;
  readonly MemoryMiB?: Range | undefined;
  readonly AcceleratorCount?: Range | undefined;
  readonly AcceleratorManufacturers?: readonly string[] | undefined;
  readonly AcceleratorTypes?: readonly string[] | undefined;
  readonly [other: string]: unknown;
}

interface Range {
  readonly Min?: number | undefined;
  readonly Max?: number | undefined;
}

const bytesPerMiB = 1024 * 1024;

/** The minima, in thousandths: what every type that meets the requirements has at least. GPUs only where NVIDIA's are asked for. */
export function minimaOf(requirements: InstanceRequirementsFacts): ResourceList {
  const minima: Record<string, number> = {};
  const cpu = requirements.VCpuCount?.Min;
  if (cpu !== undefined) minima['cpu'] = cpu * 1000;
  const memory = requirements.MemoryMiB?.Min;
  if (memory !== undefined) minima['memory'] = memory * bytesPerMiB * 1000;
  const gpus = requirements.AcceleratorCount?.Min;
  const nvidia =
    requirements.AcceleratorManufacturers?.includes('nvidia') === true && requirements.AcceleratorTypes?.includes('gpu') === true;
  if (nvidia && gpus !== undefined) minima['nvidia.com/gpu'] = gpus * 1000;
  return minima;
}

/** As EC2's GetInstanceTypesFromInstanceRequirements takes them: both services name the fields alike, `undefined` ones go. */
export function requirementsRequest(requirements: InstanceRequirementsFacts): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(requirements).filter(([, value]) => value !== undefined && value !== null));
}
