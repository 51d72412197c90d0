/** A status condition as the API server stores it. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** RFC 3339, seconds. */
  lastTransitionTime: string;
  /** CamelCase, stable. */
  reason: string;
  /** For a person: object, number, what to do next. */
  message: string;
  observedGeneration?: number;
}

/** What a controller wants to say; the transition time is not its business. */
export type ConditionUpdate = Omit<Condition, 'lastTransitionTime'>;

/**
 * The list with one condition set: found by type or appended at the end. `lastTransitionTime` moves only when `status` changes
 * (as upstream; not for a new reason or message). The input is left as it is.
 */
export function setCondition(conditions: readonly Condition[], update: ConditionUpdate, now: number): Condition[] {
  const index = conditions.findIndex((condition) => condition.type === update.type);
  const previous = conditions[index];
  const time = previous !== undefined && previous.status === update.status ? previous.lastTransitionTime : formatTime(now);
  const next: Condition = { ...update, lastTransitionTime: time };
  if (previous === undefined) return [...conditions, next];
  return conditions.map((condition, at) => (at === index ? next : condition));
}

/** The list without the condition of that type. */
export function removeCondition(conditions: readonly Condition[], type: string): Condition[] {
  return conditions.filter((condition) => condition.type !== type);
}

export function findCondition(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** RFC 3339 with seconds resolution, as metav1.Time prints it. */
export function formatTime(epochMs: number): string {
  return new Date(Math.floor(epochMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** RFC 3339 with microseconds, as metav1.MicroTime prints it (Lease, events.k8s.io). */
export function formatMicroTime(epochMs: number): string {
  const micros = Math.round((epochMs - Math.floor(epochMs)) * 1000);
  return new Date(Math.floor(epochMs)).toISOString().replace('Z', `${String(Math.min(micros, 999)).padStart(3, '0')}Z`);
}

const wholeSeconds = '0000-00-00T00:00:00Z';

/** What metav1.Time prints, a few times as fast as `Date.parse`; `undefined` for everything that it does not know for sure. */
function parseWholeSeconds(text: string): number | undefined {
  if (text.length !== wholeSeconds.length) return undefined;
  for (let at = 0; at < wholeSeconds.length; at++) {
    const code = text.charCodeAt(at);
    const wanted = wholeSeconds.charCodeAt(at);
    if (wanted === 48 ? code < 48 || code > 57 : code !== wanted) return undefined;
  }
  const century = twoDigits(text, 0);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  // Days that not every month has, and Date.UTC's reading of years below 100, are left to the careful way.
  if (century < 10 || month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59) return undefined;
  return Date.UTC(century * 100 + twoDigits(text, 2), month - 1, day, hour, minute, second);
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

/** Epoch milliseconds of an RFC 3339 text; `undefined` for anything else, `null` (how an API server writes a zero time) too. Digits below a millisecond are cut. */
export function parseTime(text: string | null | undefined): number | undefined {
  if (text === undefined || text === null) return undefined;
  const value = parseWholeSeconds(text) ?? Date.parse(text);
  return Number.isNaN(value) ? undefined : value;
}
