import { containerSizing, type Amounts, type SizingPolicy, type StartupBoost } from '../model.ts';
import { amountsOf, largestAmount, quantityText } from './amounts.ts';
import { proportionalLimits, type ContainerValues } from './container-resources.ts';
import type { ContainerState } from './pod-resources.ts';

/** Annotations of boosted containers are this and the container's name. */
export const boostPrefix = 'vpaCpuStartupBoost/';

type BoostPolicy = Pick<SizingPolicy, 'containers' | 'startupBoost'>;

/** The boost that a policy asks for: the container policy's own, else the policy's; none for a container whose mode is Off. */
export function boostOf(policy: BoostPolicy, container: string): StartupBoost | undefined {
  const sizing = containerSizing(policy.containers, container);
  return sizing?.mode === 'Off' ? undefined : (sizing?.startupBoost ?? policy.startupBoost);
}

export interface BoostInput {
  readonly policy: BoostPolicy;
  readonly state: ContainerState;
  /** What is recommended, if anything is. */
  readonly values: ContainerValues | undefined;
  /** --max-allowed-cpu-boost, milli-cores. */
  readonly maxAllowedCpu?: number | undefined;
  /** The most that a LimitRange allows; 0 or absent: no bound. */
  readonly boundary?: number | undefined;
  /** Default limits of the LimitRange. */
  readonly defaults?: Amounts | undefined;
}

export type BoostResult =
  | { readonly ok: true; readonly values: ContainerValues | undefined; readonly boosted: boolean }
  /** The policy's boost cannot be carried out: one sentence. */
  | { readonly ok: false; readonly message: string };

/** The values of a container that starts, its CPU boosted (spec 6.4). Nothing is boosted where no CPU request is known to multiply. */
export function boostContainer(input: BoostInput): BoostResult {
  const { policy, state, values } = input;
  const boost = boostOf(policy, state.name);
  if (boost === undefined) return { ok: true, values, boosted: false };
  const base = values?.requests['cpu'] || state.requests['cpu'] || 0;
  const amount = boostedAmount(base, boost, state.name);
  if (typeof amount === 'string') return { ok: false, message: amount };
  if (amount === 0) return { ok: true, values, boosted: false };
  return { ok: true, values: withCpu(input, smallest(amount, input.maxAllowedCpu, input.boundary)), boosted: true };
}

/** Milli-cores, or what is wrong. */
function boostedAmount(base: number, { type, factor, quantity }: StartupBoost, container: string): number | string {
  const where = `startupBoost.cpu of container "${container}"`;
  if (type === 'Factor') {
    if (factor === undefined) return `${where} is of type Factor and has no factor: set one of 1 or more`;
    return factor < 1 ? `${where} has factor ${factor}: set one of 1 or more` : Math.min(Math.trunc(base * factor), largestAmount);
  }
  if (type !== 'Quantity') return `${where} has a type that is not known: use Factor or Quantity`;
  return quantity === undefined ? `${where} is of type Quantity and has no quantity: set one` : Math.min(base + quantity, largestAmount);
}

function smallest(amount: number, ...caps: readonly (number | undefined)[]): number {
  return caps.reduce<number>((least, cap) => (cap === undefined || cap === 0 ? least : Math.min(least, cap)), amount);
}

function withCpu({ policy, state, values, defaults }: BoostInput, amount: number): ContainerValues {
  const { container = state.name, requests = {}, limits = {}, notes = [] } = values ?? {};
  const sizing = containerSizing(policy.containers, state.name);
  if (sizing?.controlledValues === 'RequestsOnly') {
    return { container, requests: { ...requests, cpu: belowLimit(amount, state.limits['cpu']) }, limits, notes };
  }
  const boosted: Amounts = { ...requests, cpu: amount };
  const cpuLimit = proportionalLimits(state, boosted, defaults).limits['cpu'];
  return { container, requests: boosted, limits: cpuLimit === undefined ? limits : { ...limits, cpu: cpuLimit }, notes };
}

/** A request that equals the limit could make a pod Guaranteed, which a resize cannot undo. */
function belowLimit(amount: number, limit: number | undefined): number {
  if (limit === undefined || limit === 0 || amount <= limit) return amount;
  return limit <= 1 ? limit : limit - 1;
}

/** What a container asked for before it was boosted. */
export interface OriginalResources {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

/** CPU and memory as upstream writes them: `{"requests":{"cpu":"1"},"limits":{}}`. */
export function originalResourcesText({ requests, limits }: OriginalResources): string {
  return JSON.stringify({ requests: sized(requests), limits: sized(limits) });
}

function sized(amounts: Amounts): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const resource of ['cpu', 'memory']) {
    const amount = amounts[resource];
    if (amount !== undefined) texts[resource] = quantityText(resource, amount);
  }
  return texts;
}

/** `undefined` for what is no such annotation. */
export function parseOriginalResources(text: unknown): OriginalResources | undefined {
  if (typeof text !== 'string') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { requests, limits } = parsed as { readonly requests?: unknown; readonly limits?: unknown };
  return { requests: amountsOf(requests) ?? {}, limits: amountsOf(limits) ?? {} };
}
