import { Quantity } from '../../../core/units/index.ts';
import type { HttpApi } from '../http-api.ts';

/** Cores and bytes. */
export interface Amounts {
  readonly cpu?: number;
  readonly memory?: number;
}

export interface ContainerState {
  readonly target: Amounts;
  readonly lowerBound: Amounts;
  readonly upperBound: Amounts;
  readonly uncappedTarget: Amounts;
}

/** Status of a VerticalPodAutoscaler as numbers, without times: what two controllers can be compared by. */
export interface VpaState {
  /** By type; absent conditions are absent. */
  readonly conditions: Readonly<Record<string, { readonly status: string; readonly reason: string; readonly message: string }>>;
  /** By container; empty without a recommendation. */
  readonly containers: Readonly<Record<string, ContainerState>>;
}

export interface HistogramState {
  /** Weights by bucket, the largest 10 000, as stored. */
  readonly weights: Readonly<Record<string, number>>;
  readonly total: number;
  /** Epoch milliseconds; NaN when there is none. */
  readonly reference: number;
}

/** A VerticalPodAutoscalerCheckpoint; times in epoch milliseconds, NaN where there is none. */
export interface CheckpointState {
  readonly vpa: string;
  readonly container: string;
  readonly version: string;
  readonly cpu: HistogramState;
  readonly memory: HistogramState;
  readonly firstSampleStart: number;
  readonly lastSampleStart: number;
  readonly samples: number;
}

export const vpaGroup = '/apis/autoscaling.k8s.io/v1';

export function vpaPath(namespace: string, name = ''): string {
  return `${vpaGroup}/namespaces/${namespace}/verticalpodautoscalers${name === '' ? '' : `/${name}`}`;
}

export function checkpointPath(namespace: string, name = ''): string {
  return `${vpaGroup}/namespaces/${namespace}/verticalpodautoscalercheckpoints${name === '' ? '' : `/${name}`}`;
}

/** The VPA's status; undefined when there is no such object. */
export async function readVpa(admin: HttpApi, namespace: string, name: string): Promise<VpaState | undefined> {
  const answer = await admin.get(vpaPath(namespace, name));
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(`VPA ${namespace}/${name}: ${answer.status} ${answer.text}`);
  return vpaState(answer.body);
}

/** Of all checkpoints of a namespace those of the VPA, by container. */
export async function readCheckpoints(admin: HttpApi, namespace: string, vpa: string): Promise<Readonly<Record<string, CheckpointState>>> {
  const answer = await admin.get(checkpointPath(namespace));
  if (answer.status !== 200) throw new Error(`checkpoints of ${namespace}: ${answer.status} ${answer.text}`);
  const { items } = answer.body as { readonly items: readonly unknown[] };
  const states = items.map(checkpointState).filter((state) => state.vpa === vpa);
  return Object.fromEntries(states.map((state) => [state.container, state]));
}

interface RawVpa {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly recommendation?: {
      readonly containerRecommendations?: readonly ({ readonly containerName: string } & Readonly<Record<Bound, RawAmounts | undefined>>)[];
    };
  };
}

type RawAmounts = Readonly<Record<string, string | number>>;
const bounds = ['target', 'lowerBound', 'upperBound', 'uncappedTarget'] as const;
type Bound = (typeof bounds)[number];

export function vpaState(object: unknown): VpaState {
  const { conditions = [], recommendation } = (object as RawVpa).status ?? {};
  return {
    conditions: Object.fromEntries(conditions.map(({ type, status, reason = '', message = '' }) => [type, { status, reason, message }])),
    containers: Object.fromEntries(
      (recommendation?.containerRecommendations ?? []).map((entry) => [
        entry.containerName,
        Object.fromEntries(bounds.map((bound) => [bound, amounts(entry[bound])])) as Record<Bound, Amounts>,
      ]),
    ),
  };
}

function amounts(list: RawAmounts | undefined): Amounts {
  const known = Object.entries(list ?? {}).map(([name, value]) => [name, Quantity.parse(value).toNumber()] as const);
  return Object.fromEntries(known);
}

interface RawHistogram {
  readonly bucketWeights?: Readonly<Record<string, number>>;
  readonly totalWeight?: number;
  readonly referenceTimestamp?: string | null;
}

interface RawCheckpoint {
  readonly spec?: { readonly vpaObjectName?: string; readonly containerName?: string };
  readonly status?: {
    readonly version?: string;
    readonly cpuHistogram?: RawHistogram;
    readonly memoryHistogram?: RawHistogram;
    readonly firstSampleStart?: string | null;
    readonly lastSampleStart?: string | null;
    readonly totalSamplesCount?: number;
  };
}

export function checkpointState(object: unknown): CheckpointState {
  const { spec = {}, status = {} } = object as RawCheckpoint;
  return {
    vpa: spec.vpaObjectName ?? '',
    container: spec.containerName ?? '',
    version: status.version ?? '',
    cpu: histogram(status.cpuHistogram),
    memory: histogram(status.memoryHistogram),
    firstSampleStart: instant(status.firstSampleStart),
    lastSampleStart: instant(status.lastSampleStart),
    samples: status.totalSamplesCount ?? 0,
  };
}

function histogram(raw: RawHistogram | undefined): HistogramState {
  return { weights: raw?.bucketWeights ?? {}, total: raw?.totalWeight ?? 0, reference: instant(raw?.referenceTimestamp) };
}

function instant(text: string | null | undefined): number {
  return text === null || text === undefined ? Number.NaN : Date.parse(text);
}
