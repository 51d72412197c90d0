import type { KubeObject } from '../../../../core/model/object.ts';
import { fieldErrors, forbidden, invalid } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { cloneJson, equalJson, objectOf } from '../json.ts';
import { sumOfContainers } from '../kinds/container-sums.ts';
import { defaultPod, qosClass } from '../kinds/pod-defaults.ts';
import { nano } from '../kinds/quantities.ts';
import { validateResources } from '../kinds/resource-validation.ts';
import type { Container, PodSpec, PodStatus, ResourceRequirements } from '../kinds/shapes.ts';
import { Quantity } from '../../../../core/units/index.ts';

const { forbidden: forbiddenField, invalid: invalidField } = fieldErrors;
const resizable = ['cpu', 'memory'];

/**
 * The pod with new container resources and nothing else of the input, under the rules of the resize subresource: cpu and memory only, nothing removed, same QoS
 * class, and a node that reports `resources` in its container statuses. Whether the node could hold it is {@link checkNodeHolds}'s.
 */
export function resizePod(input: KubeObject, old: KubeObject): KubeObject {
  const before = objectOf(old.spec) as PodSpec;
  const completed = { ...input, spec: cloneJson(objectOf(input.spec)) };
  defaultPod(completed);
  const wanted = completed.spec as PodSpec;
  const spec: PodSpec = { ...before };
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    if (before[list] !== undefined) spec[list] = resizeContainers(before[list], wanted[list] ?? [], { field: `spec.${list}`, errors });
  }
  if (wanted.resources !== undefined && before.resources !== undefined) {
    errors.push(...checkResize(wanted.resources, before.resources, 'spec.resources'));
    spec.resources = wanted.resources;
  }
  const changed = !equalJson(spec, before);
  if (changed) errors.push(...checkPod(spec, before, old));
  if (errors.length > 0) throw invalid({ group: '', kind: 'Pod' }, old.metadata.name, errors);
  return { ...old, metadata: { ...old.metadata }, spec };
}

function resizeContainers(
  before: readonly Container[],
  wanted: readonly Container[],
  report: { readonly field: string; readonly errors: FieldError[] },
): Container[] {
  if (wanted.length !== before.length) report.errors.push(forbiddenField(report.field, 'containers may not be added or removed on resize'));
  return before.map((container, at) => {
    const next = wanted.find((candidate) => candidate.name === container.name);
    const field = `${report.field}[${at}].resources`;
    if (next === undefined || equalJson(next.resources ?? {}, container.resources ?? {})) return withPolicy(container, next);
    report.errors.push(...checkResize(next.resources ?? {}, container.resources ?? {}, field));
    return { ...withPolicy(container, next), resources: next.resources ?? {} };
  });
}

function withPolicy(container: Container, next: Container | undefined): Container {
  return next?.resizePolicy === undefined ? container : { ...container, resizePolicy: next.resizePolicy };
}

function checkResize(next: ResourceRequirements, before: ResourceRequirements, field: string): FieldError[] {
  const errors = validateResources(next, field);
  const parts = [
    ['limits', 'limits'],
    ['requests', 'requests'],
  ] as const;
  for (const [part, word] of parts) {
    const lost = Object.keys(before[part] ?? {}).filter((name) => resizable.includes(name) && next[part]?.[name] === undefined);
    if (lost.length > 0) errors.push(forbiddenField(`${field}.${part}`, `resource ${word} cannot be removed`));
    const others = new Set([...Object.keys(before[part] ?? {}), ...Object.keys(next[part] ?? {})]);
    for (const name of others) {
      if (!resizable.includes(name) && nano(next[part]?.[name]) !== nano(before[part]?.[name])) {
        errors.push(forbiddenField('spec', 'only cpu and memory resources are mutable'));
      }
    }
  }
  if (!equalJson(next.claims, before.claims)) errors.push(forbiddenField('spec', 'only cpu and memory resources are mutable'));
  return errors;
}

function checkPod(spec: PodSpec, before: PodSpec, old: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const status = objectOf(old.status) as PodStatus;
  const quality = status.qosClass ?? qosClass(before);
  if (qosClass(spec) !== quality) {
    errors.push(invalidField('spec', quality, 'Pod QOS Class may not change as a result of resizing'));
  }
  const running = (status.containerStatuses ?? []).filter((container) => container.state?.running !== undefined);
  if (running.some((container) => container.resources === undefined)) {
    errors.push(forbiddenField('spec', 'Pod running on node without support for resize'));
  }
  if (status.phase === 'Succeeded' || status.phase === 'Failed') {
    errors.push(forbiddenField('spec', `pods in phase ${status.phase} may not be resized`));
  }
  return errors;
}

/** The PodResize admission plugin: what could never fit the node is refused at once, and not left to the kubelet. */
export function checkNodeHolds(pod: KubeObject, old: KubeObject, node: KubeObject | undefined): void {
  if (node === undefined || equalJson(pod.spec, old.spec)) return;
  const spec = objectOf(pod.spec) as PodSpec;
  const allocatable = objectOf(objectOf(node.status)['allocatable']);
  for (const resource of resizable) {
    const requested = podRequest(spec, resource);
    const limit = allocatable[resource];
    if (typeof limit !== 'string' || requested <= nano(limit)) continue;
    const unit = (value: bigint): string =>
      resource === 'cpu' ? String(Quantity.ofNano(value).toMilli('up')) : String(Quantity.ofNano(value).toInteger('up'));
    throw forbidden(
      { group: '', plural: 'pods' },
      old.metadata.name,
      `node didn't have enough allocatable resources: ${resource}, requested: ${unit(requested)}, allocatable: ${unit(nano(limit))}`,
    );
  }
}

/** Requests of a pod as the scheduler adds them up: those of its containers, or of the pod itself, and its overhead. */
function podRequest(spec: PodSpec, resource: string): bigint {
  const podLevel = spec.resources?.requests?.[resource];
  return (podLevel === undefined ? sumOfContainers(spec, resource, 'requests') : nano(podLevel)) + nano(spec.overhead?.[resource]);
}
