import { fail, listed, ok, skipped, warn, type Check } from './check.ts';
import { knownOwner } from './known-owners.ts';
import type { ApiServiceFacts, MetricsGroupFacts } from './metrics-apis.ts';
import { unreadLine } from './reading.ts';

/** How the cluster needs an API group of metrics. */
export interface Need {
  /** Policies that cannot decide without it. */
  readonly policies: number;
  /** It is the source of usage that the settings name. */
  readonly usage: boolean;
}

/** Registration, owner, discovery and contents of an API group of metrics. */
export function judgeMetricsGroup(facts: MetricsGroupFacts, need: Need): Check[] {
  const { group, services } = facts;
  const check = `${group}/registered`;
  if (services.ok && services.value.length === 0) return [judgeAbsent(facts, need)];
  const lines: Check[] = services.ok
    ? [judgeServices(check, facts, services.value)]
    : [unreadLine(check, `the APIServices of ${group}`, services)];
  if (services.ok) lines.push(...judgeOwner(facts, services.value, need));
  if (group !== 'metrics.k8s.io') lines.push(judgeAnswer(facts), ...judgeNames(facts));
  return lines;
}

const installers: Readonly<Record<MetricsGroupFacts['group'], string>> = {
  'metrics.k8s.io': 'install Metrics Server, or set metrics.usageSource to a MetricSource',
  'custom.metrics.k8s.io': 'install a metrics adapter, or let the policies ask a MetricSource (type: Prometheus)',
  'external.metrics.k8s.io': 'install a metrics adapter, or let the policies ask a MetricSource (type: Prometheus)',
};

function judgeAbsent({ group }: MetricsGroupFacts, need: Need): Check {
  const check = `${group}/registered`;
  if (need.usage) return fail(check, `nobody serves ${group}, so no usage is known; ${installers[group]}`);
  if (need.policies > 0) return fail(check, `nobody serves ${group}, which ${policiesNeed(need.policies)}; ${installers[group]}`);
  return skipped(check, `nobody serves ${group}, and no policy needs it`);
}

function policiesNeed(count: number): string {
  return count === 1 ? '1 policy needs' : `${count} policies need`;
}

function judgeServices(check: string, { group, discovery }: MetricsGroupFacts, services: readonly ApiServiceFacts[]): Check {
  const values = {
    versions: services.map(({ version }) => version),
    preferred: discovery.ok ? discovery.value.preferred : undefined,
    services: services.map(({ version, service, available, reason }) => ({ version, service, available, reason })),
  };
  const down = services.filter(({ available }) => available !== 'True');
  const [first] = down;
  if (first !== undefined) {
    const names = down.map(({ version }) => `${version}.${group}`);
    const why = [first.reason, first.message].filter((text) => text !== '').join(': ');
    const behind = first.service === undefined ? '' : `, which Service ${first.service} should serve,`;
    const remedy = `\`kubectl get apiservice ${names[0]}\`, then look at the pods of that Service`;
    const message = `APIService ${listed(names)}${behind} is not available (${why === '' ? 'no condition yet' : why}); ${remedy}`;
    return down.length === services.length ? fail(check, message, values) : warn(check, message, values);
  }
  const preferred = services.length > 1 && values.preferred !== undefined ? `, preferred ${values.preferred}` : '';
  const served = services.map(({ version, service }) => `${version} by ${service ?? 'the API server itself'}`).join(', ');
  return ok(check, `${group} is available: ${served}${preferred}`, values);
}

/** One owner for each group and version: who it is decides what may be asked. */
function judgeOwner({ group }: MetricsGroupFacts, services: readonly ApiServiceFacts[], need: Need): Check[] {
  const check = `${group}/owner`;
  const names = [...new Set(services.flatMap(({ service }) => service ?? []))];
  const [first] = names;
  if (first === undefined)
    return [warn(check, `${group} is registered without a Service, so nobody can answer; delete its APIService or register an adapter`)];
  if (names.length > 1) {
    return [
      warn(
        check,
        `the versions of ${group} are served by different programs (${names.join(', ')}); which one answers depends on the version that a client prefers: leave one`,
        { services: names },
      ),
    ];
  }
  const owner = knownOwner(group, first);
  if (owner === undefined)
    return [ok(check, `Service ${first} serves ${group}; its name is not that of a known program`, { service: first })];
  const values = { service: first, program: owner.program };
  const caution = owner.caution;
  if (caution === undefined || (need.policies === 0 && !need.usage))
    return [ok(check, `${owner.program} (Service ${first}) serves ${group}`, values)];
  return [warn(check, `${owner.program} (Service ${first}) serves ${group}; ${caution}`, values)];
}

function judgeAnswer({ group, discovery, resources, tookMs }: MetricsGroupFacts): Check {
  const check = `${group}/answer`;
  if (!discovery.ok) return problemLine(check, `${group}`, discovery);
  if (!resources.ok) return problemLine(check, `${group}`, resources);
  const values = { latencyMs: Math.round(tookMs) };
  return ok(check, `${group} answered its discovery in ${Math.max(1, Math.round(tookMs))} ms`, values);
}

function problemLine(check: string, what: string, { kind, message }: { readonly kind: string; readonly message: string }): Check {
  if (kind === 'forbidden') return skipped(check, `you may not ask ${what} (${message}): ask as somebody who may`);
  return fail(check, `${what} does not answer: ${message}; look at the pods and the log of the program that serves it`);
}

/** Names that a sentence shows, and that a report holds. */
const shownNames = 20;
const keptNames = 1_000;

function judgeNames({ group, resources }: MetricsGroupFacts): Check[] {
  if (!resources.ok) return [];
  const check = `${group}/metrics`;
  const names = resources.value;
  const values = { count: names.length, names: names.slice(0, keptNames) };
  const caveat = 'adapters leave out what they serve, so this is not the whole list';
  if (names.length === 0) return [ok(check, `${group} lists no metric; ${caveat}`, values)];
  return [ok(check, `${group} lists ${listed(names, shownNames)}; ${caveat}`, values)];
}
