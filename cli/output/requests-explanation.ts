import { amountText, valueText } from '../../core/model/amount-text.ts';
import type {
  AdaptationStep,
  ApplyStep,
  ContainerData,
  EstimateStep,
  HorizontalStep,
  RecommendedStep,
  RequestsData,
  RequestsExplanation,
  RequestsStored,
  RequestsTarget,
  UpdatesStep,
} from '../compose/explain/requests-explanation.ts';
import { percentText } from '../compose/explain/vertical-item.ts';
import { age, left, sectionsText, sinceText, time, type ExplanationStyle, type Section } from './explanation.ts';

/** Names of pods that a person is shown; JSON has all. */
const mostNames = 5;

/** A policy of requests as numbered steps, in the order in which it comes about. */
export function requestsExplanationText(explanation: RequestsExplanation, style: ExplanationStyle): string {
  const { policy, target, results } = explanation;
  const title = `${policy.kind} ${policy.namespace}/${policy.name} sizes ${target.kind}/${target.name}`;
  return sectionsText({ title, summary: results.map(({ message }) => message), sections: sectionsOf(explanation, style.at) }, style);
}

function sectionsOf(explanation: RequestsExplanation, now: number): Section[] {
  const { target, data, estimates, clamps, warnings, nodes, horizontal, recommendation, adaptations, updates, apply, results, stored } =
    explanation;
  const clampLines = [...clamps.map(({ message }) => message), ...warnings.map((warning) => `NOT CAPPED: ${warning}`)];
  return [
    { title: 'Target and pods', lines: targetLines(target) },
    { title: 'Data', lines: data === null ? [] : dataLines(data) },
    { title: 'Percentiles, margins and bounds', lines: estimates.flatMap(estimateLines) },
    {
      title: 'Clamps',
      lines: recommendation === null ? [] : [...(clampLines.length === 0 ? ['nothing is clamped'] : clampLines), ...nodeLines(nodes)],
    },
    { title: 'Horizontal policies', lines: horizontal === null ? [] : horizontalLines(horizontal) },
    { title: 'Recommendation', lines: recommendation === null ? [] : recommendationLines(recommendation) },
    { title: 'What becomes of it in the pods', lines: adaptations.flatMap(adaptationLines) },
    { title: 'Updates', lines: updates === null ? [] : updateLines(updates, now) },
    { title: 'Apply mode', lines: apply === null ? [] : applyLines(apply, now) },
    { title: 'Result', lines: results.flatMap((result) => resultLines(result, now)) },
    { title: 'What is stored in status', lines: storedLines(stored, now) },
  ];
}

function podsText(count: number): string {
  return `${count} ${count === 1 ? 'pod' : 'pods'}`;
}

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).join(', ');
  return names.length > mostNames ? `${shown} and ${names.length - mostNames} more` : shown;
}

function targetLines({ kind, name, selector, replicas, matched, pods, problem, rival }: RequestsTarget): string[] {
  if (problem !== null) return [problem];
  if (selector === null) return [];
  const wanted = replicas === null ? '' : ` of ${replicas} replicas`;
  return [
    `${kind}/${name}${wanted}, selector ${selector}: ${podsText(matched)} ${matched === 1 ? 'matches' : 'match'}, ${pods.length} ${pods.length === 1 ? 'is' : 'are'} this policy's`,
    ...(rival === null ? [] : [`${rival} has the others: one workload is sized by one policy`]),
  ];
}

function dataLines({ source, request, counted, why, sampledPods, doubt, unknown, containers, oomKills, vanished }: RequestsData): string[] {
  return [
    `usage from ${source}: samples of ${podsText(sampledPods)}${counted ? ', counted' : `, NOT COUNTED: ${why ?? ''}`}`,
    ...(request === null ? [] : [`\tGET ${request}`]),
    ...(doubt === null ? [] : [`\tin doubt (${doubt.reason}${sinceText(doubt.since)}): ${doubt.detail}`]),
    ...(unknown === null ? [] : [`\t${unknown.reason ?? 'unknown'}${sinceText(unknown.since)}: ${unknown.detail}`]),
    ...(containers.length === 0 ? ['nothing is known of any container: no sample, no checkpoint'] : containers.flatMap(containerLines)),
    ...oomKills.map(
      ({ pod, container, at, memory }) =>
        `container ${container} of pod ${pod} was killed for want of memory at ${time(at)} with ${amountText('memory', memory)}; no checkpoint has it, it is counted here`,
    ),
    ...(vanished.length === 0 ? [] : [`left out, since no live pod has them any more: ${vanished.join(', ')}`]),
  ];
}

function containerLines(data: ContainerData): string[] {
  const { container, samples, firstSample, lastSample, lastSampleAgeSeconds, coverage, memoryPeaks, oomKills, checkpoint, silent } = data;
  const last = lastSample === null ? 'never' : `${time(lastSample)}, ${age(lastSampleAgeSeconds ?? 0)} ago`;
  return [
    `${container}: ${samples} CPU samples, ${memoryPeaks} memory peaks${oomKills === 0 ? '' : `, ${oomKills} OOM ${oomKills === 1 ? 'kill' : 'kills'}`}`,
    ...(firstSample === null
      ? []
      : [`\tfirst ${time(firstSample)}, last ${last}; ${Math.round(coverage * 100)} % of the minutes since the first have one`]),
    checkpointLine(checkpoint),
    ...(silent ? [`\tSILENT: it runs, and nothing was measured of it${lastSample === null ? '' : ` since ${time(lastSample)}`}`] : []),
  ];
}

function checkpointLine(checkpoint: ContainerData['checkpoint']): string {
  if (checkpoint === null) return '\tno checkpoint is stored: only the present samples are known here';
  const { name, writtenAt, ageSeconds, problem } = checkpoint;
  const written = writtenAt === null ? '' : ` of ${time(writtenAt)} (${age(ageSeconds ?? 0)} old)`;
  return `\tcheckpoint ${name}${written} ${problem === null ? 'is taken over' : `IS LEFT OUT: ${problem}`}`;
}

function estimateLines(step: EstimateStep): string[] {
  const { container, resource, empty, percentiles, estimates, margin, confidence, result, minimum, atMinimum, oom } = step;
  if (empty) return [`${container} ${resource}: nothing was measured; nothing is recommended from it`];
  const text = (amount: number | null): string => (amount === null ? 'none' : amountText(resource, amount));
  const each = (['lower', 'target', 'upper'] as const).map((side) => `p${percentText(percentiles[side])} ${text(estimates[side])}`);
  return [
    `${container} ${resource}: ${each.join(', ')}; +${percentText(margin)} % → ${text(result.target)}`,
    `\tconfidence ${confidence} (1: a day of samples) → bounds ${text(result.lower)} … ${text(result.upper)}`,
    `\tpod minimum: ${text(minimum)} for this container${atMinimum ? ', and that is what is recommended' : ''}`,
    ...(oom === null
      ? []
      : [
          `\tOOM bump: the kill of ${time(oom.at)} raised a peak from ${text(oom.from)} to ${text(oom.to)}${oom.kills === 1 ? '' : ` (${oom.kills} kills)`}`,
        ]),
  ];
}

function nodeLines(nodes: RequestsExplanation['nodes']): string[] {
  if (nodes === null) return ['nodes are not known here: nothing is capped to their size'];
  const { count, cpu, memory, note } = nodes;
  if (count === 0) return ['no node is known that the pods may run on: nothing is capped to their size'];
  const most = [cpu === null ? '' : `cpu ${amountText('cpu', cpu)}`, memory === null ? '' : `memory ${amountText('memory', memory)}`];
  return [
    `${count} ${count === 1 ? 'node' : 'nodes'} may run the pods, with at most ${most.filter((each) => each !== '').join(' and ')} for one`,
    ...(note === null ? [] : [note]),
  ];
}

function horizontalLines({ rule, claims, yields, rebase }: HorizontalStep): string[] {
  if (claims.length === 0) return ['none goes by the utilization of this workload'];
  return [
    ...claims.map(
      ({ policy, measures, foreign }) => `${policy} goes by ${measures} utilization${foreign ? ', carried out by another controller' : ''}`,
    ),
    ...(yields.length === 0 ? [] : yields.map(({ message }) => `YIELDS: ${message}`)),
    ...(rebase === null ? [] : [`${rule}: ${rebase}`]),
    ...(yields.length === 0 && rebase === null ? [`${rule}: nothing is moved or nothing is yielded`] : []),
  ];
}

const actsText = {
  stored: 'what is stored in status is what pods are updated to',
  computed: 'nothing is stored yet: what is computed here is shown',
  none: 'there is none',
} as const;

function recommendationLines({ acts, containers, kept }: NonNullable<RequestsExplanation['recommendation']>): string[] {
  return [...containers.map(recommendedLine), actsText[acts], ...kept];
}

function recommendedLine({ container, resource, target, lower, upper, uncapped, stored, computed, difference }: RecommendedStep): string {
  const text = (amount: number | null): string => (amount === null ? 'none' : amountText(resource, amount));
  const own = uncapped === null || uncapped === target ? '' : `, uncapped ${text(uncapped)}`;
  const other =
    difference === null ? '' : `; DIFFERS: ${text(stored)} is stored, ${text(computed)} would be recommended from what is known here`;
  return `${container} ${resource}: ${text(target)} (bounds ${text(lower)} … ${text(upper)}${own})${other}`;
}

function adaptationLines({ pods, clamps, kept, values }: AdaptationStep): string[] {
  const list = (amounts: Readonly<Record<string, number>>): string =>
    Object.entries(amounts)
      .map(([resource, amount]) => `${resource} ${amountText(resource, amount)}`)
      .join(', ');
  const set = values.map(({ container, requests, limits }) => {
    const parts = [list(requests) === '' ? '' : `requests ${list(requests)}`, list(limits) === '' ? '' : `limits ${list(limits)}`];
    return `\t${container}: ${parts.filter((part) => part !== '').join('; ')}`;
  });
  if (set.length + clamps.length + kept.length === 0) return [`${podsText(pods.length)} (${namesText(pods)}): nothing would be set`];
  return [
    `${podsText(pods.length)} (${namesText(pods)})${clamps.length + kept.length === 0 ? ': as it is' : ''}`,
    ...clamps.map((clamp) => `\t${clampText(clamp)}`),
    ...kept.map(({ message }) => `\t${message}`),
    ...(set.length === 0 ? ['\tnothing would be set'] : set),
  ];
}

/** The sentence has bytes. */
function clampText({ resource, from, to, message }: AdaptationStep['clamps'][number]): string {
  const text = (amount: number): string => amountText(resource, amount);
  return message.replace(` from ${from} to ${to}`, ` from ${text(from)} to ${text(to)}`);
}

const verdicts: Readonly<Record<string, string>> = {
  resize: 'would be resized in place',
  evict: 'would be evicted',
  surge: 'would be rolled by surge',
  unboost: 'would be taken out of the start-up boost',
};

function updateLines({ cooldowns, budgets, groups }: UpdatesStep, now: number): string[] {
  return [
    ...groups.map(({ verdict, acts, until, message, pods }) => {
      const end = until === null ? '' : ` until ${time(until)} (${left(until, now)})`;
      const what = acts ? (verdicts[verdict] ?? verdict) : `left alone, ${verdict}${end}`;
      return `${podsText(pods.length)} (${namesText(pods)}) ${what}: ${message}`;
    }),
    ...(groups.length === 0 ? ['there is no pod to be updated'] : []),
    ...cooldowns.map(({ held, message }) => `cooldown: ${held ? 'HOLDS: ' : ''}${message}`),
    ...budgets.map(
      ({ name, disruptionsAllowed, healthy, wanted }) =>
        `PodDisruptionBudget ${name} allows ${disruptionsAllowed} more evictions now (${healthy} healthy, ${wanted} wanted)`,
    ),
  ];
}

function applyLines({ updateMode, actuation, mode, methods, pods, blocked, unchecked, note }: ApplyStep, now: number): string[] {
  const way = updateMode === actuation ? updateMode : `${updateMode} (${actuation})`;
  const done = Object.entries(methods).map(([method, count]) => `${count} of ${podsText(pods)} ${verdicts[method] ?? method}`);
  return [
    `updateMode ${way}${mode === 'Auto' ? '' : `, mode ${mode}`}: ${done.length === 0 ? `none of ${podsText(pods)} would be updated now` : done.join(', ')}`,
    ...blocked.map(
      ({ by, until, message }) => `blocked by ${by}${until === null ? '' : ` until ${time(until)} (${left(until, now)})`}: ${message}`,
    ),
    ...unchecked.map((what) => `not checked: ${what}`),
    ...(note === null ? [] : [note]),
  ];
}

function resultLines({ dimension, from, to, wanted, reason, holds }: RequestsExplanation['results'][number], now: number): string[] {
  const [, resource, container] = dimension?.split('/') ?? [];
  const text = (amount: number): string => valueText(dimension ?? undefined, amount);
  const held = holds.map(
    ({ by, until, message }) => `\theld by ${by}${until === null ? '' : ` until ${time(until)} (${left(until, now)})`}: ${message}`,
  );
  if (dimension === null) return [reason, ...held];
  const before = from === 0 ? 'no request' : text(from);
  const set = to === from ? `stays at ${before}` : `${before} → ${text(to)}`;
  return [`${container} ${resource}: ${set} (wanted ${wanted === null ? 'unknown' : text(wanted)}), ${reason}`, ...held];
}

function storedLines(
  { present, lastDecision, conditions, lastScaleUpTime, lastScaleDownTime, differences }: RequestsStored,
  now: number,
): string[] {
  const scaled = (what: string, at: string | null): string[] =>
    at === null ? [] : [`last update to ${what} requests ${time(at)}, ${age((now - Date.parse(at)) / 1000)} ago`];
  return [
    ...(present ? [] : ['nothing']),
    ...(lastDecision === null
      ? []
      : [
          `decision of ${time(lastDecision.at)}${lastDecision.ageSeconds === null ? '' : `, ${age(lastDecision.ageSeconds)} ago`}: ${lastDecision.reason}: ${lastDecision.message}`,
        ]),
    ...scaled('larger', lastScaleUpTime),
    ...scaled('smaller', lastScaleDownTime),
    ...conditions.map(({ type, status, reason, message, since }) => `${type} ${status} (${reason}${sinceText(since)}): ${message}`),
    ...differences.map((message) => `DIFFERS: ${message}`),
  ];
}
