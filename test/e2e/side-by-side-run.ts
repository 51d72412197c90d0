import type { Condition } from '../../core/model/condition.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { autoscaler, type Side, type Twin } from './side-by-side-twin.ts';
import { contenders, phaseEnds, resolutionMs } from './side-by-side-scenario.ts';
import { eventually } from './until.ts';

/** One size that a controller has set. */
export interface Step {
  /** Milliseconds since the first phase began on its cluster. */
  readonly at: number;
  readonly replicas: number;
}

/** What an HPA's status says, without times and without sentences, in which the two differ as they may. */
export interface Shown {
  /** Milliseconds since the first phase began on its cluster. */
  readonly at: number;
  readonly conditions: readonly string[];
  readonly currentReplicas: number | undefined;
  readonly desiredReplicas: number | undefined;
  readonly currentMetrics: unknown;
}

/** What one controller has done. */
export interface Played {
  readonly side: Side;
  /** By contender. */
  readonly paths: ReadonlyMap<string, readonly Step[]>;
  /** By contender, at the end of each phase. */
  readonly shown: ReadonlyMap<string, readonly Shown[]>;
  /** Messages of the Events SuccessfulRescale, by contender. */
  readonly rescales: ReadonlyMap<string, readonly string[]>;
  /** Users that have written a scale. */
  readonly writers: ReadonlySet<string>;
  /** How often status was written, over all contenders. */
  readonly statusWrites: number;
}

/** Creates the HPAs, walks through the phases at the cluster's own readings and tells what was done. */
export async function play(twin: Twin): Promise<Played> {
  const { client } = twin;
  await Promise.all(contenders.map((contender) => client.create(resourceTypes.horizontalPodAutoscalers, autoscaler(contender))));
  const evaluated = async (name: string): Promise<boolean> => (await statusOf(twin, name)).currentMetrics !== undefined;
  await eventually(`${twin.side}: every HPA has been looked at`, async () => {
    const all = await Promise.all(contenders.map(({ name }) => evaluated(name)));
    return all.every(Boolean);
  });
  const first = twin.readings.count() + 1;
  await twin.readings.until(first);
  const begin = Date.now();
  twin.setPhase(1);
  const shown = new Map<string, Shown[]>(contenders.map(({ name }) => [name, []]));
  for (const [index, end] of phaseEnds.entries()) {
    await twin.readings.until(first + end - 1);
    // Just before the next reading: what follows from the last one is done.
    await new Promise((resolve) => setTimeout(resolve, 0.85 * resolutionMs));
    const at = Date.now() - begin;
    await Promise.all(contenders.map(async ({ name }) => shown.get(name)?.push({ at, ...shownOf(await statusOf(twin, name)) })));
    await twin.readings.until(first + end);
    if (index + 1 < phaseEnds.length) twin.setPhase(index + 2);
  }
  return { side: twin.side, shown, ...(await audited(twin, begin)), rescales: await rescalesOf(twin) };
}

interface HpaStatus {
  readonly conditions?: readonly Condition[];
  readonly currentReplicas?: number;
  readonly desiredReplicas?: number;
  readonly currentMetrics?: readonly unknown[] | null;
}

async function statusOf({ client }: Twin, namespace: string): Promise<HpaStatus> {
  return ((await client.get(resourceTypes.horizontalPodAutoscalers, { namespace, name: 'web' })).status ?? {}) as HpaStatus;
}

function shownOf({ conditions = [], currentReplicas, desiredReplicas, currentMetrics }: HpaStatus): Omit<Shown, 'at'> {
  return {
    conditions: conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`),
    currentReplicas,
    desiredReplicas,
    currentMetrics: currentMetrics ?? [],
  };
}

async function audited({ own }: Twin, begin: number): Promise<Pick<Played, 'paths' | 'writers' | 'statusWrites'>> {
  const writes = (await own.audit?.auditWrites({ successful: true })) ?? [];
  const of = (resource: string, subresource: string) =>
    writes.filter(({ objectRef: ref }) => ref?.resource === resource && ref.subresource === subresource);
  const scales = of('deployments', 'scale');
  const pathOf = (name: string): readonly Step[] =>
    scales
      .filter(({ objectRef }) => objectRef?.namespace === name)
      .map((write) => ({
        at: Date.parse(write.requestReceivedTimestamp) - begin,
        replicas: (write.requestObject as { spec?: { replicas?: number } } | undefined)?.spec?.replicas ?? 0,
      }));
  return {
    paths: new Map(contenders.map(({ name }) => [name, pathOf(name)])),
    statusWrites: of('horizontalpodautoscalers', 'status').length,
    writers: new Set(scales.map(({ user }) => user.username)),
  };
}

async function rescalesOf({ client }: Twin): Promise<ReadonlyMap<string, readonly string[]>> {
  const rescales = new Map<string, readonly string[]>();
  for (const { name } of contenders) {
    const { items } = await client.list(resourceTypes.coreEvents, { namespace: name, fieldSelector: 'involvedObject.name=web' });
    const events = items as unknown as readonly { reason?: string; message?: string; involvedObject?: { kind?: string } }[];
    const messages = events.flatMap(({ reason, message = '', involvedObject }) =>
      reason === 'SuccessfulRescale' && involvedObject?.kind === 'HorizontalPodAutoscaler' ? [message] : [],
    );
    rescales.set(name, messages.toSorted());
  }
  return rescales;
}

/** One path on a line: sizes, each with the second in which it was set. */
export function pathText(first: number, path: readonly Step[]): string {
  return [String(first), ...path.map(({ at, replicas }) => `${replicas} @${(at / 1000).toFixed(1)}`)].join(' → ');
}
