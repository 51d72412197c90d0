import { findCondition, type Condition } from '../../../core/model/condition.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import { problemsText } from '../../../hpa/index.ts';
import { boundedLines, counted, fail, listed, ok, skipped, warn, type Check } from './check.ts';
import { utilizationResources } from './conflict-checks.ts';
import { foreign } from './foreign-text.ts';
import type { PolicyFacts } from './policies.ts';

/** The pods of a policy's target; `undefined` when they are not known. */
export type PodsOf = (policy: PolicyFacts) => readonly PodRecord[] | undefined;

/** What is wrong with policies by themselves: spec, status, target, requests of the pods. */
export function judgePolicies(policies: readonly PolicyFacts[], podsOf: PodsOf): Check[] {
  const own = policies.filter(({ native }) => !native);
  if (policies.length === 0)
    return [ok('policies/valid', 'there is no HorizontalPolicy and no HorizontalPodAutoscaler yet', { policies: 0, native: 0 })];
  return [...judgeSpecs(policies), ...judgeStatus(own), ...judgeTargets(policies), ...judgeRequests(policies, podsOf), ...judgeEffect(own)];
}

/** What is wrong with a native HPA is said, and fails nothing of ours. */
function bad({ native }: PolicyFacts): typeof fail {
  return native ? warn : fail;
}

function judgeSpecs(policies: readonly PolicyFacts[]): Check[] {
  const check = 'policies/valid';
  const problems = policies.flatMap((policy) => {
    const { result, name } = policy;
    if (result.ok) return [];
    const values = { policy: name, reason: result.reason, problems: result.problems.map(({ path, message }) => ({ path, message })) };
    return [bad(policy)(check, `${name}: ${foreign(problemsText(result.problems), 400)}`, values)];
  });
  const own = policies.filter(({ native }) => !native).length;
  const count = `${counted(own, 'HorizontalPolicy', 'HorizontalPolicies')} and ${counted(policies.length - own, 'HorizontalPodAutoscaler')}`;
  return boundedLines(problems, ok(check, `${count} can be read`, { policies: own, native: policies.length - own }));
}

/** What the running program said about them. */
function judgeStatus(own: readonly PolicyFacts[]): Check[] {
  const check = 'policies/accepted';
  if (own.length === 0) return [];
  const conditionsOf = ({ raw }: PolicyFacts): readonly Condition[] => {
    const { conditions } = (raw.status ?? {}) as { readonly conditions?: readonly Condition[] };
    return Array.isArray(conditions) ? (conditions as readonly Condition[]) : [];
  };
  const silent = own.filter((policy) => conditionsOf(policy).length === 0);
  const problems = own.flatMap((policy) => {
    // What can be seen in the spec was said already.
    if (!policy.result.ok) return [];
    const accepted = findCondition(conditionsOf(policy), 'Accepted');
    if (accepted?.status !== 'False') return [];
    const { reason, message } = accepted;
    return [
      fail(check, `${policy.name} is not accepted by the running program (${foreign(reason, 60)}): ${foreign(message, 300)}`, {
        policy: policy.name,
        reason: foreign(reason, 60),
      }),
    ];
  });
  if (silent.length > 0) {
    const names = silent.map(({ name }) => name.split(' ')[1] ?? name);
    const message = `${counted(silent.length, 'HorizontalPolicy', 'HorizontalPolicies')} without a status (${listed(names)}): nobody has looked at it; is \`concertina run\` running, and not with --dry-run?`;
    problems.push(warn(check, message, { without: silent.length }));
  }
  return boundedLines(
    problems,
    ok(check, `the running program has accepted ${counted(own.length, 'HorizontalPolicy', 'HorizontalPolicies')}`),
  );
}

function judgeTargets(policies: readonly PolicyFacts[]): Check[] {
  const check = 'policies/target';
  const problems = policies.flatMap((policy) => {
    const { scale, name } = policy;
    if (scale === undefined || scale.ok) return [];
    return [bad(policy)(check, `${name}: ${foreign(scale.message, 400)}`, { policy: name })];
  });
  return boundedLines(problems, ok(check, 'the target of every policy exists and can be scaled'));
}

/** A utilization is a share of the request: a container without one makes it impossible for the whole target, and upstream says nothing. */
function judgeRequests(policies: readonly PolicyFacts[], podsOf: PodsOf): Check[] {
  const check = 'policies/requests';
  let unseen = 0;
  const problems = policies.flatMap((policy) => {
    const resources = utilizationResources(policy);
    if (resources.length === 0) return [];
    const pods = podsOf(policy);
    if (pods === undefined) unseen += 1;
    return resources.flatMap((resource) => {
      const gap = firstGap(policy, pods ?? [], resource);
      if (gap === undefined) return [];
      const { pod, container, count } = gap;
      const message = `${policy.name} measures the utilization of ${resource}, but container ${container} of pod ${pod} has no ${resource} request (${counted(count, 'pod')} like that), so it cannot scale; set resources.requests.${resource} or use an AverageValue target`;
      return [bad(policy)(check, message, { policy: policy.name, resource, container, pods: count })];
    });
  });
  if (unseen > 0 && problems.length === 0)
    return [
      skipped(check, `whether pods have requests is not known for ${counted(unseen, 'policy', 'policies')}: their pods cannot be seen`),
    ];
  return boundedLines(problems, ok(check, 'every container has the request of which a policy measures the utilization'));
}

interface Gap {
  readonly pod: string;
  readonly container: string;
  readonly count: number;
}

function firstGap({ result }: PolicyFacts, pods: readonly PodRecord[], resource: string): Gap | undefined {
  if (!result.ok) return undefined;
  const measured = result.policy.spec.metrics.filter(
    (metric) => (metric.type === 'Resource' || metric.type === 'ContainerResource') && metric.resource === resource,
  );
  const wholePod = measured.some(({ type }) => type === 'Resource');
  const named = new Set(measured.flatMap((metric) => (metric.type === 'ContainerResource' ? [metric.container] : [])));
  const gaps = pods.flatMap((pod) => {
    const container = containerWithout(pod, resource, { wholePod, named });
    return container === undefined ? [] : [{ pod: `${pod.namespace}/${pod.name}`, container }];
  });
  const [first] = gaps.toSorted((a, b) => (a.pod < b.pod ? -1 : 1));
  return first === undefined ? undefined : { ...first, count: gaps.length };
}

function containerWithout(
  { shape }: PodRecord,
  resource: string,
  { wholePod, named }: { readonly wholePod: boolean; readonly named: ReadonlySet<string> },
): string | undefined {
  const counted = [...shape.containers, ...shape.initContainers.filter(({ sidecar }) => sidecar)];
  // A request of the pod as a whole stands for those of its containers, but not for one of them.
  const covered = shape.podRequests?.[resource] !== undefined;
  const without = counted.filter(({ requests }) => requests[resource] === undefined);
  return without.find(({ name }) => named.has(name) || (wholePod && !covered))?.name;
}

/** Settings that can be read and do nothing. */
function judgeEffect(own: readonly PolicyFacts[]): Check[] {
  const check = 'policies/effect';
  if (own.length === 0) return [];
  const problems = own.flatMap(({ result, name }) => {
    if (!result.ok) return [];
    const { minReplicas, maxReplicas } = result.policy.spec;
    if (minReplicas !== maxReplicas) return [];
    return [
      warn(check, `${name} has minReplicas and maxReplicas ${minReplicas}, so it never scales; raise maxReplicas or delete the policy`, {
        policy: name,
      }),
    ];
  });
  const modes = ['DryRun', 'Paused'].map((mode) => ({
    mode,
    count: own.filter(({ result }) => result.ok && result.policy.spec.mode === mode).length,
  }));
  const idle = modes.filter(({ count }) => count > 0).map(({ mode, count }) => `${count} in mode ${mode}`);
  const text = `${counted(own.length, 'HorizontalPolicy', 'HorizontalPolicies')} can scale${idle.length === 0 ? '' : `, but for ${idle.join(' and ')}`}`;
  return boundedLines(problems, ok(check, text, Object.fromEntries(modes.map(({ mode, count }) => [mode, count]))));
}
