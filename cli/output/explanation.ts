import { foreign } from '../compose/doctor/foreign-text.ts';
import type {
  BoundsStep,
  Explanation,
  ExplanationReport,
  MetricStep,
  PodGroupStep,
  PodsStep,
  RateStep,
  RuleStep,
  RulesPart,
  SourceStep,
  StabilizationStep,
  StoredStep,
} from '../compose/explain/explanation.ts';
import { ageText, leftText } from '../compose/explain/time-text.ts';
import { terminalJson } from './sources-text.ts';

export function explanationJson(report: ExplanationReport): string {
  return `${terminalJson(report)}\n`;
}

export interface ExplanationStyle {
  readonly colour: boolean;
  /** As of when, epoch milliseconds. */
  readonly at: number;
  /** `https://cluster` or `snapshot cluster.json`. */
  readonly from: string;
}

/** Longest line of one fact. */
const mostCharacters = 2_000;
/** Names of pods that a person is shown; JSON has all. */
const mostNames = 10;

export interface Section {
  readonly title: string;
  /** Indented by as many steps as they begin with tabs. */
  readonly lines: readonly string[];
}

/** The decision as numbered steps, in the order in which it came about. The same explanation gives the same text. */
export function explanationText(explanation: Explanation, style: ExplanationStyle): string {
  const { policy, target, result } = explanation;
  const title = `${policy.kind} ${policy.namespace}/${policy.name} scales ${target.kind}/${target.name}`;
  return sectionsText({ title, summary: [result.message], sections: sectionsOf(explanation, style.at) }, style);
}

/** A heading, and sections that have lines, numbered. */
export function sectionsText(
  { title, summary, sections }: { readonly title: string; readonly summary: readonly string[]; readonly sections: readonly Section[] },
  style: ExplanationStyle,
): string {
  const head = [
    shown(title),
    ...summary.map((line) => `  ${shown(line)}`),
    `  ${shown(`as of ${time(new Date(style.at).toISOString())}, from ${style.from}`)}`,
  ];
  const bodies = sections
    .filter(({ lines }) => lines.length > 0)
    .map((section, index) => [
      bold(`${index + 1}. ${section.title}`, style.colour),
      ...section.lines.map((line) => {
        const text = line.replace(/^\t*/, '');
        return `${'  '.repeat(line.length - text.length)}   ${shown(text)}`;
      }),
    ]);
  return [head, ...bodies].map((lines) => lines.join('\n')).join('\n\n');
}

function shown(text: string): string {
  return foreign(text, mostCharacters);
}

function bold(text: string, colour: boolean): string {
  return colour ? `\u001b[1m${text}\u001b[0m` : text;
}

function sectionsOf(explanation: Explanation, now: number): Section[] {
  const { sources, pods, asleep, rebase, metrics, wanted, stabilization, rate, bounds, rules, change, stored } = explanation;
  return [
    { title: 'Sources asked', lines: sources.flatMap(sourceLines) },
    { title: 'Pods', lines: pods === null ? [] : [...podLines(pods), ...(asleep === null ? [] : [asleep])] },
    {
      title: 'What each metric asks for',
      lines: [...(rebase === null ? [] : [rebase]), ...metrics.flatMap(metricLines), ...(wanted === null ? [] : [`= ${wanted.message}`])],
    },
    { title: 'Stabilization', lines: stabilization === null ? [] : stabilizationLines(stabilization, now) },
    { title: 'Rate policies', lines: rate === null ? [] : rateLines(rate) },
    { title: 'Bounds', lines: bounds === null ? [] : boundsLines(bounds, now) },
    { title: 'House rules', lines: rules.map(ruleLine) },
    { title: 'Result', lines: resultLines(explanation, now) },
    { title: 'What would have to change', lines: change?.lines ?? [] },
    { title: 'What is stored in status', lines: storedLines(stored, now) },
  ];
}

/** To the second: a person compares it with a clock. */
export function time(iso: string | null): string {
  return iso === null ? 'an unknown time' : iso.replace(/\.\d+Z$/, 'Z');
}

/** `, since …`; empty for no time. */
export function sinceText(since: string | null): string {
  return since === null ? '' : `, since ${time(since)}`;
}

/** `2m 10s left`. */
export function left(until: string, now: number): string {
  return leftText(Date.parse(until), now);
}

/** `10s` */
export function age(seconds: number): string {
  return ageText(seconds * 1000);
}

function sourceLines(step: SourceStep): string[] {
  const { metrics, source, request, expression, latencyMs, doubt, unknown } = step;
  const took = latencyMs === null ? '' : ` (${latencyMs} ms)`;
  const sent =
    expression === null
      ? request === null
        ? []
        : [`\tGET ${request}${took}`]
      : [`\tquery ${expression}`, request === null ? '\tnot sent' : `\tsent as ${request}${took}`];
  return [
    `${metrics.join(', ')}: ${source}`,
    ...sent,
    ...answerLines(step),
    ...(doubt === null ? [] : [`\tgood for growth only (${doubt.reason}${sinceText(doubt.since)}): ${doubt.detail}`]),
    ...(unknown === null ? [] : [`\t${unknown.reason ?? 'unknown'}${sinceText(unknown.since)}: ${unknown.detail}`]),
  ];
}

function answerLines({ known, value, samples, pods, coverage, expression, newestAgeSeconds, oldestAgeSeconds }: SourceStep): string[] {
  if (!known) return ['\tno value'];
  const newest = newestAgeSeconds === null ? '' : age(newestAgeSeconds);
  const ages = newestAgeSeconds === oldestAgeSeconds || oldestAgeSeconds === null ? newest : `${newest} to ${age(oldestAgeSeconds)}`;
  const share = coverage === null || coverage === 1 ? '' : `, ${Math.round(coverage * 100)} % of what was asked`;
  // An instant query gives the moment of its evaluation, not that of a sample.
  const old = ages === '' ? '' : expression === null ? `, ${ages} old` : `, evaluated ${ages} ago`;
  if (value === null) return [`\tsamples of ${samples ?? 0} of ${pods ?? 0} pods${old}`];
  return [`\t${value}${samples === 1 ? '' : ` in ${samples ?? 0} series`}${old}${share}`];
}

function podLines({ selector, matched, counted, ready, note, foreign: others, groups }: PodsStep): string[] {
  const apart = others.length === 0 ? '' : `, ${others.length} of them foreign`;
  return [
    `selector ${selector}: ${matched} match${apart}, ${counted} counted, ${ready} of them ready`,
    ...(note === null ? [] : [note]),
    ...(others.length === 0 ? [] : [`foreign: ${names(others)}`]),
    ...groups.flatMap(groupLines),
  ];
}

function groupLines({ metrics, ready, unready, missing, ignored }: PodGroupStep): string[] {
  return [
    `${metrics.join(', ')}: ${ready.length} ready, ${unready.length} not ready, ${missing.length} without a sample, ${ignored.length} ignored`,
    ...reasonLines('not ready', unready),
    ...reasonLines(
      'without a sample',
      missing.map(({ name, reason, why }) => ({ name, why: `${reason}: ${why}` })),
    ),
    ...reasonLines('ignored', ignored),
  ];
}

/** Pods that are left out for the same reason share a line. */
function reasonLines(title: string, pods: readonly { readonly name: string; readonly why: string }[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, why } of pods) byReason.set(why, [...(byReason.get(why) ?? []), name]);
  return [...byReason].map(([why, list]) => `\t${title}: ${names(list)} (${why})`);
}

function names(list: readonly string[]): string {
  const first = list.slice(0, mostNames).join(', ');
  return list.length > mostNames ? `${first} and ${list.length - mostNames} more` : first;
}

function metricLines({ name, wins, replicas, measured, target, formula, spread, doubt, failure, fallback }: MetricStep): string[] {
  const mark = wins ? '* ' : '- ';
  const lines: string[] = [];
  if (failure !== null) lines.push(`${mark}${name} is unknown (${failure.reason}${sinceText(failure.since)}): ${failure.message}`);
  else if (measured === null) lines.push(`${mark}${name} is not read`);
  else lines.push(`${mark}${name} ${measured}, target ${target ?? '?'}: ${askedText(replicas, formula)}`);
  if (spread !== null) lines.push(`\tfrom ${spread.least} to ${spread.greatest} (${spread.pod})`);
  if (doubt !== null) lines.push(`\tgood for growth only (${doubt.reason}${sinceText(doubt.since)}): ${doubt.detail}`);
  if (fallback !== null) {
    const asked = fallback.replicas === null ? 'asks for nothing, and nothing shrinks' : askedText(fallback.replicas, fallback.formula);
    const failed = `${fallback.failures} failed evaluations since ${time(fallback.since)}, threshold ${fallback.failureThreshold}`;
    lines.push(`\tfallback ${fallback.behavior} ${asked} (${failed})`);
  }
  return lines;
}

/** `asks for 7 = ceil(3 × 186 / 80)`, `asks for 4, ratio 1 is within 0.9…1.1`. */
function askedText(replicas: number | null, formula: string | null): string {
  const asks = `asks for ${replicas ?? '?'}`;
  if (formula === null) return asks;
  return formula.startsWith(`${replicas} `) ? `asks for ${formula}` : `${asks}, ${formula}`;
}

function stabilizationLines({ message, windowSeconds, wish, replicas, holds, stored }: StabilizationStep, now: number): string[] {
  const window = windowSeconds === 0 ? 'no window' : `window ${age(windowSeconds)}`;
  const held =
    holds === null
      ? []
      : [`the wish of ${time(holds.at)} for ${holds.replicas} holds until ${time(holds.until)} (${left(holds.until, now)})`];
  return [
    `${window}: ${wish === replicas ? `${wish} stays ${wish}` : `${wish} becomes ${replicas}`}; ${lowerFirst(message)}`,
    ...held,
    ...(stored === null
      ? []
      : [`the controller remembers more: held until ${time(stored.until)} (${left(stored.until, now)}): ${stored.message}`]),
    ...(holds === null && stored === null ? ['recent wishes are in the memory of the controller alone: none is known here'] : []),
  ];
}

function rateLines({ message, builtIn, behavior }: RateStep): string[] {
  const rules =
    behavior === null
      ? builtIn === null
        ? []
        : [`up: ×${builtIn.factor} in one evaluation, or to ${builtIn.minimum}; down: at once`]
      : [`up: ${rulesText(behavior.scaleUp)}`, `down: ${rulesText(behavior.scaleDown)}`];
  return [...rules, message];
}

function rulesText({ selectPolicy, policies, tolerance }: RulesPart): string {
  if (selectPolicy === 'Disabled') return 'disabled';
  const each = policies.map(({ type, value, periodSeconds }) => `${value} ${type === 'Pods' ? 'pods' : '%'} in ${age(periodSeconds)}`);
  const choice = policies.length === 1 ? '' : selectPolicy === 'Max' ? ', whichever is more' : ', whichever is less';
  return `${each.join(' or ')}${choice}${tolerance === null ? '' : `, tolerance ${tolerance}`}`;
}

function boundsLines(
  { min, max, policyMin, policyMax, minFrom, maxFrom, message, schedules, next, nextChangeAt }: BoundsStep,
  now: number,
): string[] {
  const moved = (own: number, from: string | null): string => (from === null ? '' : ` (schedule ${from}; the policy has ${own})`);
  const until = (at: string | null): string => (at === null ? '' : ` until ${time(at)} (${left(at, now)})`);
  return [
    `min ${min}${moved(policyMin, minFrom)}, max ${max}${moved(policyMax, maxFrom)}; ${lowerFirst(message)}`,
    ...schedules.map(
      ({ name, phase, step, until: end }) => `schedule ${name} is ${phase}${phase === 'open' ? '' : `, step ${step} of 10`}${until(end)}`,
    ),
    ...(schedules.length === 0 && next !== null ? [`no schedule is open; ${next.name} opens at ${time(next.opensAt)}`] : []),
    ...(nextChangeAt === null ? [] : [`next change at ${time(nextChangeAt)} (${left(nextChangeAt, now)})`]),
  ];
}

const ruleTitles: Readonly<Record<RuleStep['rule'], string>> = {
  conflict: 'conflict',
  'missing-data': 'missing data',
  'cooldown-up': 'cooldown, scale-up',
  'cooldown-down': 'cooldown, scale-down',
  pause: 'pause',
  mode: 'mode',
  fallback: 'fallback',
};

function ruleLine({ rule, held, message }: RuleStep): string {
  return `${ruleTitles[rule]}: ${held ? 'HOLDS: ' : ''}${message}`;
}

function resultLines({ result }: Explanation, now: number): string[] {
  const { from, to, wanted, reason, holds } = result;
  const set = to === from ? `stays at ${from}` : `${from} → ${to}`;
  return [
    `${set} (wanted ${wanted ?? 'unknown'}), ${reason}`,
    ...holds.map(
      ({ by, until, message }) => `held by ${by}${until === null ? '' : ` until ${time(until)} (${left(until, now)})`}: ${message}`,
    ),
  ];
}

function storedLines(
  { present, lastDecision, conditions, lastScaleUpTime, lastScaleDownTime, differences }: StoredStep,
  now: number,
): string[] {
  const scaled = (what: string, at: string | null): string[] =>
    at === null ? [] : [`${what} ${time(at)}, ${age((now - Date.parse(at)) / 1000)} ago`];
  return [
    ...(present ? [] : ['nothing']),
    ...(lastDecision === null ? [] : storedDecisionLines(lastDecision)),
    ...scaled('last scale-up', lastScaleUpTime),
    ...scaled('last scale-down', lastScaleDownTime),
    ...conditions.map(({ type, status, reason, message, since }) => `${type} ${status} (${reason}${sinceText(since)}): ${message}`),
    ...differences.map(({ message }) => `DIFFERS: ${message}`),
    ...(present && differences.length === 0 ? ['what would be decided now is what is stored'] : []),
  ];
}

function storedDecisionLines({ from, to, wanted, reason, at, ageSeconds, holds }: NonNullable<StoredStep['lastDecision']>): string[] {
  const old = ageSeconds === null ? '' : `, ${age(ageSeconds)} ago`;
  const held =
    holds.length === 0
      ? ''
      : `, held by ${holds.map(({ by, until }) => (until === null ? by : `${by} until ${time(until)}`)).join(' and ')}`;
  return [`decision of ${time(at)}${old}: ${from ?? '?'} → ${to ?? '?'} (wanted ${wanted ?? 'unknown'}), ${reason}${held}`];
}

/** Without the capital of a sentence; names of kinds keep theirs. */
export function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.slice(0, 1).toLowerCase() + text.slice(1) : text;
}
