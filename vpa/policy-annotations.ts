import type { ScalingHistory } from '../core/model/cooldown.ts';
import { parseTime } from '../core/model/condition.ts';
import type { KubeObject } from '../core/model/object.ts';
import { shownValue, type SchemaProblem } from '../core/model/schema-problems.ts';

/** When pods of the workload of an adopted VerticalPodAutoscaler were last updated, RFC 3339: its status has no room for it. */
export const lastScaleUpAnnotation = 'concertina.dev/last-scale-up-time';
export const lastScaleDownAnnotation = 'concertina.dev/last-scale-down-time';
/** `true` does to a VerticalPolicy what its mode Paused does. */
export const pausedAnnotation = 'concertina.dev/paused';

const integerCpu = /^vpa-post-processor\.kubernetes\.io\/(.+)_integerCPU$/;

/** Containers whose CPU is to be rounded up to whole cores. */
export function integerCpuContainers({ metadata }: KubeObject): ReadonlySet<string> {
  const containers = new Set<string>();
  for (const [name, value] of Object.entries(metadata.annotations ?? {})) {
    const container = integerCpu.exec(name)?.[1];
    if (container !== undefined && value === 'true') containers.add(container);
  }
  return containers;
}

/** Whether the annotation pauses the policy. One that cannot be read is a problem: nothing is done before it is clear whether that was meant to be paused. */
export function pauseOf({ metadata }: KubeObject): { readonly paused: boolean; readonly problems: readonly SchemaProblem[] } {
  const value = metadata.annotations?.[pausedAnnotation];
  if (value === undefined || value === 'true' || value === 'false') return { paused: value === 'true', problems: [] };
  const message = `${shownValue(value)} is not true or false; correct it, or remove it to resume`;
  return { paused: false, problems: [{ path: `metadata.annotations[${pausedAnnotation}]`, message }] };
}

export function annotatedHistory({ metadata }: KubeObject): ScalingHistory {
  const { annotations = {} } = metadata;
  return { lastScaleUp: parseTime(annotations[lastScaleUpAnnotation]), lastScaleDown: parseTime(annotations[lastScaleDownAnnotation]) };
}

/** Changes whenever an annotation does that a policy is parsed from: they do not count in `metadata.generation`. */
export function annotationRevision({ metadata }: KubeObject): string {
  const { annotations } = metadata;
  if (annotations === undefined) return '';
  const read = Object.entries(annotations).filter(([name]) => name === pausedAnnotation || integerCpu.test(name));
  return read.length === 0 ? '' : JSON.stringify(read.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
