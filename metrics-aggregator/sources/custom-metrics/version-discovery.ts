import type { KubeClient } from '../../../core/kube/api.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { customMetricsSource } from '../../../core/model/metric-query.ts';
import { createFlight, getDocument, isRecord } from '../metric-list/index.ts';
import type { SourceFailure } from '../source.ts';

/** Versions of `custom.metrics.k8s.io` that the source can read. */
export type CustomMetricsVersion = 'v1beta1' | 'v1beta2';

/** What discovery said, once. Two answers are different values, so that an asker can tell whether there is a newer one. */
export type VersionsFound =
  | { readonly kind: 'served'; readonly inUse: CustomMetricsVersion; readonly others: readonly CustomMetricsVersion[]; readonly at: number }
  | { readonly kind: 'absent'; readonly failure: SourceFailure; readonly at: number }
  | { readonly kind: 'failure'; readonly failure: SourceFailure; readonly at: number };

export interface VersionDiscovery {
  /** The version to use: the server's preferred one of those that are known, else the first known one that it lists. */
  current(signal: AbortSignal): Promise<VersionsFound>;
  /** Asks again, unless somebody has since `known` was answered: the version in it was answered 404. */
  after(known: VersionsFound, signal: AbortSignal): Promise<VersionsFound>;
  /** Goes over to another version that was listed, until the next discovery. */
  use(version: CustomMetricsVersion, known: VersionsFound): void;
}

export interface DiscoveryOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** A version is used for so long before the server is asked again, milliseconds. */
  readonly rediscoverMs: number;
  readonly maxBytes: number;
}

const path = '/apis/custom.metrics.k8s.io';
/** An absent group is looked for again, and a version that is answered 404 discovered again, at most so often: every query of a tick runs into it. */
const spacingMs = 5_000;

export function createVersionDiscovery(options: DiscoveryOptions): VersionDiscovery {
  const { clock, rediscoverMs } = options;
  let found: VersionsFound | undefined;
  let forcedAt = Number.NEGATIVE_INFINITY;
  const flight = createFlight(async () => {
    const answer = await discover(options);
    // Discovery that fails says nothing of the version in use: that is kept, and discovery tried again soon.
    const kept = answer.kind === 'failure' && found?.kind === 'served' ? found : undefined;
    found = kept === undefined ? answer : { ...kept, at: clock.monotonic() - Math.max(0, rediscoverMs - spacingMs) };
    return answer;
  });
  const age = (of: VersionsFound): number => clock.monotonic() - of.at;
  return {
    current: async (signal) => {
      const keepMs = found?.kind === 'served' ? rediscoverMs : found?.kind === 'absent' ? spacingMs : 0;
      if (found !== undefined && age(found) < keepMs) return found;
      const answer = await flight.join(signal);
      return answer.kind === 'failure' ? (found ?? answer) : answer;
    },
    after: async (known, signal) => {
      if (found !== undefined && found !== known && found.kind !== 'failure') return found;
      if (found === known && clock.monotonic() - forcedAt < spacingMs) return known;
      forcedAt = clock.monotonic();
      return flight.join(signal);
    },
    use: (version, known) => {
      if (found !== known || known.kind !== 'served') return;
      found = { ...known, inUse: version, others: [known.inUse, ...known.others].filter((other) => other !== version) };
    },
  };
}

async function discover({ client, clock, timeoutMs, maxBytes }: DiscoveryOptions): Promise<VersionsFound> {
  const answer = await getDocument({
    client,
    path,
    timeoutMs,
    maxBytes,
    api: customMetricsSource,
    subject: 'its versions',
    permission: `get on the path ${path} (ClusterRole system:discovery)`,
  });
  const at = clock.monotonic();
  switch (answer.kind) {
    case 'failure':
      return { kind: 'failure', failure: answer.failure, at };
    case 'not-served':
    case 'not-found':
      return { kind: 'absent', failure: absent('nobody serves it: install a metrics adapter'), at };
    case 'document':
      return chosen(answer.document, at);
  }
}

function chosen(document: Readonly<Record<string, unknown>>, at: number): VersionsFound {
  const { versions, preferredVersion } = document;
  if (document['kind'] !== 'APIGroup' || !Array.isArray(versions)) {
    return {
      kind: 'failure',
      failure: { ok: false, reason: 'invalid', detail: `${customMetricsSource}: the answer of ${path} is no APIGroup` },
      at,
    };
  }
  const listed = [preferredVersion, ...(versions as unknown[])].map(nameOf).filter(isKnown);
  const [inUse, ...others] = new Set(listed);
  if (inUse !== undefined) return { kind: 'served', inUse, others, at };
  return { kind: 'absent', failure: absent('it is served in versions other than v1beta1 and v1beta2 only'), at };
}

function absent(what: string): SourceFailure {
  const detail = `${customMetricsSource}: ${what}, or check its APIService with \`kubectl get apiservices\``;
  return { ok: false, reason: 'source-absent', detail };
}

function nameOf(entry: unknown): unknown {
  return isRecord(entry) ? entry['version'] : undefined;
}

function isKnown(version: unknown): version is CustomMetricsVersion {
  return version === 'v1beta1' || version === 'v1beta2';
}
