import { apiVersionOf, resourceTypes, type KubeObject, type ObjectReference } from '../core/model/object.ts';
import { projectResources } from '../core/model/resource-list.ts';
import { schemaProblems, shownValue, type SchemaProblem } from '../core/model/schema-problems.ts';
import { parseCountOrPercent } from '../core/units/index.ts';
import type { DisruptionLimit, GroupSelector, PolicyResult, TemplateOverride } from './policy-model.ts';
import { crossProblems } from './policy-problems.ts';
import { nodePoolPolicySpec, type NodePoolPolicySpec } from './policy-schema.ts';

/** `true` does to a NodePoolPolicy what its mode Paused does. */
export const pausedAnnotation = 'concertina.dev/paused';

/** Reads a NodePoolPolicy. */
export function parseNodePoolPolicy(raw: KubeObject): PolicyResult {
  const groups = readableSelectors(raw.spec);
  if (typeof raw.spec !== 'object' || raw.spec === null || Array.isArray(raw.spec)) {
    return { ok: false, problems: [{ path: 'spec', message: 'is required; add it' }], groups };
  }
  const parsed = nodePoolPolicySpec.safeParse(raw.spec);
  if (!parsed.success) return { ok: false, problems: schemaProblems(parsed.error.issues, raw.spec), groups };
  const spec = parsed.data;
  const pause = pauseOf(raw);
  const problems = [...crossProblems(spec), ...pause.problems];
  if (problems.length > 0) return { ok: false, problems, groups };
  const { minSize, maxSize, priority, pricePerHour: price, cooldown } = spec;
  return {
    ok: true,
    policy: {
      reference: referenceOf(raw),
      generation: raw.metadata.generation,
      mode: pause.paused ? 'Paused' : spec.mode,
      groups: spec.groups,
      minSize,
      maxSize,
      priority,
      price,
      template: templateOf(spec.template),
      cooldown: {
        ...(cooldown?.scaleUpSeconds === undefined ? {} : { scaleUpMs: cooldown.scaleUpSeconds * 1000 }),
        ...(cooldown?.scaleDownSeconds === undefined ? {} : { scaleDownMs: cooldown.scaleDownSeconds * 1000 }),
      },
      options: optionsOf(spec),
      disruption: disruptionOf(spec),
    },
  };
}

/** With kind and uid, whether the list that the object came in says the kind of its items or not. */
export function referenceOf(raw: KubeObject): ObjectReference {
  const { name, uid } = raw.metadata;
  return {
    apiVersion: apiVersionOf(resourceTypes.nodePoolPolicies),
    kind: resourceTypes.nodePoolPolicies.kind,
    name,
    ...(uid === undefined ? {} : { uid }),
  };
}

/** The selectors of a policy that may be wrong elsewhere; one that is wrong itself selects nothing. */
function readableSelectors(spec: unknown): readonly GroupSelector[] {
  const { groups } = (typeof spec === 'object' && spec !== null ? spec : {}) as { readonly groups?: unknown };
  if (!Array.isArray(groups)) return [];
  const schema = nodePoolPolicySpec.shape.groups.element;
  return groups.flatMap((each) => {
    const parsed = schema.safeParse(each);
    return parsed.success ? [parsed.data] : [];
  });
}

/** Whether the annotation pauses the policy. One that cannot be read is a problem: nothing is done before it is clear whether that was meant to be paused. */
function pauseOf({ metadata }: KubeObject): { readonly paused: boolean; readonly problems: readonly SchemaProblem[] } {
  const value = metadata.annotations?.[pausedAnnotation];
  if (value === undefined || value === 'true' || value === 'false') return { paused: value === 'true', problems: [] };
  const message = `${shownValue(value)} is not true or false; correct it, or remove it to resume`;
  return { paused: false, problems: [{ path: `metadata.annotations[${pausedAnnotation}]`, message }] };
}

function templateOf(template: NodePoolPolicySpec['template']): TemplateOverride | undefined {
  if (template === undefined) return undefined;
  const { labels = {}, taints = [], capacity, allocatable } = template;
  return {
    labels,
    taints: taints.map(({ key, value, effect }) => ({ key, effect, ...(value === undefined ? {} : { value }) })),
    capacity: projectResources(capacity),
    allocatable: projectResources(allocatable),
  };
}

function optionsOf({ scaleUp = {}, scaleDown = {} }: NodePoolPolicySpec): NodePoolPolicyOptions {
  return {
    utilizationThreshold: scaleDown.utilizationThreshold,
    gpuUtilizationThreshold: scaleDown.gpuUtilizationThreshold,
    unneededMs: milliseconds(scaleDown.unneededSeconds),
    unreadyMs: milliseconds(scaleDown.unreadySeconds),
    ignoreDaemonSetsUtilization: scaleDown.ignoreDaemonSetsUtilization,
    maxProvisionMs: milliseconds(scaleUp.maxProvisionSeconds),
    maxStartupMs: milliseconds(scaleUp.maxStartupSeconds),
    zeroOrMax: scaleUp.zeroOrMax,
  };
}

type NodePoolPolicyOptions = Extract<PolicyResult, { ok: true }>['policy']['options'];

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

function disruptionOf({ disruption }: NodePoolPolicySpec): DisruptionLimit[] {
  const { maxNodes, windows = [] } = disruption ?? {};
  return [
    ...(maxNodes === undefined ? [] : [{ maxNodes: parseCountOrPercent(maxNodes) }]),
    ...windows.map(({ name, timeZone, start, durationSeconds, maxNodes: most }) => ({
      maxNodes: parseCountOrPercent(most),
      window: { name, timeZone, start, durationMs: durationSeconds * 1000 },
    })),
  ];
}
