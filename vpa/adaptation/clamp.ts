import { amountText } from '../../core/model/amount-text.ts';

/** What moved a recommended request. */
export const clampReasons = [
  'podLimitRangeMin',
  'podLimitRangeMax',
  'limitRangeMin',
  'limitRangeMax',
  'minAllowed',
  'maxAllowed',
  'containerLimit',
] as const;

export type ClampReason = (typeof clampReasons)[number];

/** A recommended request that was moved; amounts as in {@link Amounts}. */
export interface Clamp {
  readonly container: string;
  readonly resource: string;
  readonly from: number;
  readonly to: number;
  readonly by: ClampReason;
  /** One sentence for a person. */
  readonly message: string;
}

/** Upstream's words, but for the two of the pod's LimitRange, about which it says nothing. */
const notes: Readonly<Record<ClampReason, string>> = {
  podLimitRangeMin: 'scaled to fit Min in pod LimitRange',
  podLimitRangeMax: 'scaled to fit Max in pod LimitRange',
  limitRangeMin: 'capped to fit Min in container LimitRange',
  limitRangeMax: 'capped to fit Max in container LimitRange',
  minAllowed: 'capped to minAllowed',
  maxAllowed: 'capped to maxAllowed',
  containerLimit: 'capped to container limit',
};

const causes: Readonly<Record<ClampReason, string>> = {
  podLimitRangeMin: 'so that the pod reaches the minimum that a LimitRange of the namespace asks of pods',
  podLimitRangeMax: 'so that the pod stays within the maximum that a LimitRange of the namespace allows pods',
  limitRangeMin: 'the least that a LimitRange of the namespace allows this container',
  limitRangeMax: 'the most that a LimitRange of the namespace allows this container',
  minAllowed: 'minAllowed of its container policy',
  maxAllowed: 'maxAllowed of its container policy',
  containerLimit: 'its own limit, which stays as it is because only requests are controlled',
};

export function clampOf(container: string, resource: string, move: Pick<Clamp, 'from' | 'to' | 'by'>): Clamp {
  const verb = move.to < move.from ? 'lowered' : 'raised';
  const [from, to] = [amountText(resource, move.from), amountText(resource, move.to)];
  const separator = causes[move.by].startsWith('so that') ? '' : ':';
  const message = `${resource} of container "${container}" ${verb} from ${from} to ${to}${separator} ${causes[move.by]}`;
  return { container, resource, ...move, message };
}

/** As it stands in the annotation of a pod: `cpu capped to maxAllowed`. */
export function clampNote(clamp: Pick<Clamp, 'resource' | 'by'>): string {
  return `${clamp.resource} ${notes[clamp.by]}`;
}

/** Whether upstream writes a note for it. */
export function hasUpstreamNote(clamp: Pick<Clamp, 'by'>): boolean {
  return clamp.by !== 'podLimitRangeMin' && clamp.by !== 'podLimitRangeMax';
}
