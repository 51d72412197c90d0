import { recordScaling, type KubeObject, type ScalingDirection, type ScalingHistory } from '../../core/model/index.ts';
import { historiesOf } from '../policy-status.ts';

/** When groups were last scaled, so that cooldowns outlive a restart: out of the status of policies and of the status ConfigMap. */
export interface ScalingMemory {
  historyOf(group: string): ScalingHistory;
  record(group: string, direction: ScalingDirection, now: number): void;
  /** Takes over what a policy's status says, where it is later than what is known. */
  learn(policy: KubeObject): void;
  /** Takes over what an earlier process wrote; anything malformed is left out. */
  restore(text: string): void;
  /** For the groups that there are. */
  save(groups: readonly string[]): Readonly<Record<string, ScalingHistory>>;
}

export function createScalingMemory(): ScalingMemory {
  const histories = new Map<string, ScalingHistory>();
  const merge = (group: string, { lastScaleUp, lastScaleDown }: ScalingHistory): void => {
    const known = histories.get(group);
    histories.set(group, {
      lastScaleUp: later(known?.lastScaleUp, lastScaleUp),
      lastScaleDown: later(known?.lastScaleDown, lastScaleDown),
    });
  };
  return {
    historyOf: (group) => histories.get(group) ?? {},
    record: (group, direction, now) => histories.set(group, recordScaling(histories.get(group) ?? {}, direction, now)),
    learn: (policy) => {
      for (const [group, history] of historiesOf(policy)) merge(group, history);
    },
    restore: (text) => {
      for (const [group, history] of savedHistories(text)) merge(group, history);
    },
    save: (groups) =>
      Object.fromEntries(
        groups.toSorted().flatMap((group) => {
          const history = histories.get(group);
          return history === undefined ? [] : [[group, history] as const];
        }),
      ),
  };
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}

/** Whoever may write the ConfigMap may have written anything. */
function savedHistories(text: string): [string, ScalingHistory][] {
  const { scalings } = savedParts(text);
  if (typeof scalings !== 'object' || scalings === null) return [];
  return Object.entries(scalings).flatMap(([group, history]) => {
    if (typeof history !== 'object' || history === null) return [];
    const { lastScaleUp, lastScaleDown } = history as Readonly<Record<string, unknown>>;
    return [[group, { lastScaleUp: timeOf(lastScaleUp), lastScaleDown: timeOf(lastScaleDown) }] as [string, ScalingHistory]];
  });
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** What is kept in the ConfigMap, as far as it can be read. */
export interface SavedParts {
  /** Epoch milliseconds of when it was written. */
  readonly at: number | undefined;
  readonly scalings?: unknown;
  readonly loop?: unknown;
}

export function savedParts(text: string | undefined): SavedParts {
  const { at, ...rest } = objectIn(text);
  return { ...rest, at: timeOf(at) };
}

function objectIn(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

/** The other half of what a ConfigMap may hold is for the status. */
const mostMemoryBytes = 400 * 1024;

/** The text of {@link savedParts}; where the state of the loop is too big it is left out, so that the times of scalings are kept in any case. */
export function memoryText({ at, scalings, loop }: SavedParts): string {
  const whole = JSON.stringify({ version: 1, at, scalings, loop });
  return Buffer.byteLength(whole) <= mostMemoryBytes ? whole : JSON.stringify({ version: 1, at, scalings });
}
