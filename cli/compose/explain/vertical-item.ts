import type { Decision } from '../../../core/model/decision.ts';
import { amountText } from '../../../core/model/amount-text.ts';
import type { EvaluatedRequests, RequestsRecommendation, SizingRecommendation } from '../../../vpa/index.ts';
import { remainingSeconds } from './time-text.ts';

/** A row of a policy of requests: one resource of one container. Amounts: milli-cores or bytes; times: epoch milliseconds. */
export interface VerticalPart {
  /** Null where nothing can be recommended. */
  readonly container: string | null;
  readonly resource: string | null;
  /** False: the container asks for none of it now. */
  readonly requested: boolean;
  /** Whose recommendation acts: what stands in status, or what is computed here while nothing does. */
  readonly source: 'stored' | 'computed' | 'none';
  readonly lower: number | null;
  readonly upper: number | null;
  /** The target before any clamp. */
  readonly uncapped: number | null;
  readonly stored: number | null;
  readonly computed: number | null;
  /** Where the stored and the computed one differ materially. */
  readonly difference: string | null;
  readonly evidence: EvidencePart | null;
  /** Everything that moved the target, in order: the pod minimum, rounding, policies, nodes, then what LimitRanges and limits make of it in the pods. */
  readonly clamps: readonly ClampPart[];
  readonly updateMode: string | null;
  /** What the mode does to pods. */
  readonly actuation: string | null;
  readonly apply: ApplyPart | null;
  /** Over the live pods; null when it is not recommended for them. */
  readonly total: { readonly pods: number; readonly from: number; readonly to: number } | null;
}

export interface EvidencePart {
  /** 0…1. */
  readonly percentile: number;
  /** The percentile of what was used. */
  readonly estimate: number;
  readonly margin: number;
  readonly confidence: number;
  readonly coverage: number;
  readonly samples: number;
  readonly memoryPeaks: number;
  readonly oomKills: number;
  readonly lastOom: { readonly at: number; readonly from: number; readonly to: number } | null;
  readonly firstSample: number | null;
  readonly lastSample: number | null;
  /** What the pod minimum leaves for the container. */
  readonly minimum: number;
}

export interface ClampPart {
  readonly by: string;
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface ApplyPart {
  /** How many pods would be updated now, and how: `resize`, `evict`, `surge`, `unboost`. */
  readonly methods: Readonly<Record<string, number>>;
  readonly pods: number;
  /** What keeps the others as they are. */
  readonly blocks: readonly {
    readonly by: string;
    readonly until: number | null;
    readonly remainingSeconds: number | null;
    readonly message: string;
    readonly pods: number;
  }[];
  readonly unchecked: readonly string[];
}

/** Container and resource of a decision on requests. */
export function requestOf({
  dimension,
}: Pick<Decision, 'dimension'>): { readonly container: string; readonly resource: string } | undefined {
  const [kind, resource, container] = dimension?.split('/') ?? [];
  return kind === 'requests' && resource !== undefined && container !== undefined ? { container, resource } : undefined;
}

export function verticalPart({ known, evaluated }: RequestsRecommendation, decision: Decision): VerticalPart {
  const place = requestOf(decision);
  const base = {
    container: place?.container ?? null,
    resource: place?.resource ?? null,
    updateMode: known?.policy.updateMode ?? null,
    actuation: known?.policy.actuation ?? null,
    requested: decision.from > 0,
  };
  if (evaluated === undefined) return { ...base, ...nothing, source: 'none', apply: null };
  const shared = { ...base, source: evaluated.acts, apply: applyPart(evaluated, decision.at) };
  return place === undefined ? { ...shared, ...nothing } : { ...shared, ...resourcePart(evaluated, place) };
}

type ResourcePart = Pick<
  VerticalPart,
  'lower' | 'upper' | 'uncapped' | 'stored' | 'computed' | 'difference' | 'evidence' | 'clamps' | 'total'
>;

const nothing: ResourcePart = {
  lower: null,
  upper: null,
  uncapped: null,
  stored: null,
  computed: null,
  difference: null,
  evidence: null,
  clamps: [],
  total: null,
};

interface Place {
  readonly container: string;
  readonly resource: string;
}

function resourcePart(evaluated: EvaluatedRequests, place: Place): ResourcePart {
  const { stored, computed, totals, differences } = evaluated;
  const isHere = (each: Place): boolean => each.container === place.container && each.resource === place.resource;
  const acting = containerIn(stored ?? computed, place);
  const total = totals.find(isHere);
  return {
    lower: acting?.lowerBound[place.resource] ?? null,
    upper: acting?.upperBound[place.resource] ?? null,
    uncapped: acting?.uncappedTarget[place.resource] ?? null,
    stored: containerIn(stored, place)?.target[place.resource] ?? null,
    computed: containerIn(computed, place)?.target[place.resource] ?? null,
    difference: differences.find(isHere)?.message ?? null,
    evidence: evidencePart(evaluated, place),
    clamps: clampParts(evaluated, place),
    total: total === undefined ? null : { pods: total.pods, from: total.from, to: total.to },
  };
}

function containerIn(recommendation: SizingRecommendation | undefined, { container }: Place) {
  return recommendation?.containers.find((each) => each.container === container);
}

function evidencePart({ estimated }: EvaluatedRequests, { container, resource }: Place): EvidencePart | null {
  const evidence = estimated?.evidence.find((each) => each.container === container);
  const found = evidence?.resources.find((each) => each.resource === resource);
  // An empty histogram is no estimate of 0.
  if (evidence === undefined || found === undefined || found.estimates.target <= 0) return null;
  return {
    percentile: found.percentiles.target,
    estimate: found.estimates.target,
    margin: found.margin,
    confidence: rounded(found.confidence),
    coverage: rounded(evidence.coverage),
    samples: evidence.samples,
    memoryPeaks: evidence.memoryPeaks,
    oomKills: evidence.oomKills,
    lastOom: evidence.lastOom ?? null,
    firstSample: evidence.firstSample ?? null,
    lastSample: evidence.lastSample ?? null,
    minimum: found.minimum,
  };
}

function rounded(fraction: number): number {
  return Number.isFinite(fraction) ? Math.round(fraction * 1000) / 1000 : 0;
}

function clampParts({ estimated, clamps, adaptations }: EvaluatedRequests, { container, resource }: Place): ClampPart[] {
  const found = estimated?.evidence.find((each) => each.container === container)?.resources.find((each) => each.resource === resource);
  const minimum: ClampPart[] =
    found?.atMinimum === true && found.estimates.target > 0
      ? [
          {
            by: 'pod-minimum',
            from: Math.min(found.minimum, Math.ceil(found.estimates.target * (1 + found.margin))),
            to: found.minimum,
            message: `target ${resource} of container ${container} raised to ${amountText(resource, found.minimum)}, its share of the least that a pod is recommended`,
          },
        ]
      : [];
  const own = clamps.filter((each) => each.container === container && each.resource === resource && each.field === 'target');
  const inPods = adaptations.flatMap((group) => [
    ...group.clamps.filter((each) => each.container === container && each.resource === resource),
    ...group.kept.filter((each) => each.resource === resource).map(({ message }) => ({ by: 'refused', from: 0, to: 0, message })),
  ]);
  const seen = new Set<string>();
  return [...minimum, ...own, ...inPods].flatMap(({ by, from, to, message }) => {
    if (seen.has(message)) return [];
    seen.add(message);
    return [{ by, from, to, message }];
  });
}

function applyPart({ apply, target }: EvaluatedRequests, now: number): ApplyPart {
  return {
    methods: { ...apply.methods },
    pods: target.pods.length,
    blocks: apply.blocks.map(({ by, until, message, pods }) => ({
      by,
      until: until ?? null,
      remainingSeconds: remainingSeconds(until, now),
      message,
      pods: pods.length,
    })),
    unchecked: apply.unchecked,
  };
}

/** `p90 195m +15%`, `3 peaks p90 230Mi +15%, OOM +20%`; null where nothing was measured. */
export function evidenceText({ evidence, resource }: Pick<VerticalPart, 'evidence' | 'resource'>): string | null {
  if (evidence === null || resource === null) return null;
  const { percentile, estimate, margin, memoryPeaks, lastOom } = evidence;
  const core = `p${percentText(percentile)} ${amountText(resource, estimate)} +${percentText(margin)}%`;
  if (resource !== 'memory') return core;
  const oom = lastOom === null || lastOom.from <= 0 ? '' : `, OOM +${Math.round((lastOom.to / lastOom.from - 1) * 100)}%`;
  return `${memoryPeaks} ${memoryPeaks === 1 ? 'peak' : 'peaks'} ${core}${oom}`;
}

export function percentText(fraction: number): string {
  return String(Math.round(fraction * 1000) / 10);
}
