import { formatTime } from '../../../core/model/condition.ts';
import { checkCooldown, type ScalingDirection } from '../../../core/model/cooldown.ts';
import { humanDuration } from '../../../core/units/index.ts';
import type { EvaluatedRequests, RequestsRecommendation } from '../../../vpa/index.ts';
import type { ExplainOptions } from './explain-policy.ts';
import type { ApplyStep, UpdatesStep } from './requests-explanation.ts';
import { isoTime, leftText, remainingSeconds } from './time-text.ts';

type Known = NonNullable<RequestsRecommendation['known']>;
type Group = UpdatesStep['groups'][number];

/** What would be done with each pod now, and by which rules. */
export function explainUpdates(known: Known, evaluated: EvaluatedRequests, { reading, snapshot }: ExplainOptions): UpdatesStep {
  const now = snapshot.takenAt;
  const groups = new Map<string, Group>();
  const add = (key: string, pod: string, group: Omit<Group, 'pods'>): void => {
    const held = groups.get(key);
    groups.set(key, held === undefined ? { ...group, pods: [pod] } : { ...held, pods: [...held.pods, pod] });
  };
  for (const { pod, method, why } of evaluated.plan.actions) {
    const message = withoutName(why, pod.name);
    add(`${method}/${message}`, pod.name, { verdict: method, acts: true, until: null, remainingSeconds: null, message });
  }
  for (const { pod, code, message: said, hold } of evaluated.plan.skips) {
    const message = withoutName(said, pod.name);
    const verdict = code === 'held' ? (hold?.by ?? code) : code;
    const until = isoTime(hold?.until);
    add(`${verdict}/${message}/${until ?? ''}`, pod.name, {
      verdict,
      acts: false,
      until,
      remainingSeconds: remainingSeconds(hold?.until, now),
      message,
    });
  }
  const budgets = new Map(
    evaluated.target.pods
      .flatMap(({ namespace, labels }) => reading.pods.pdbsFor(namespace, labels))
      .map((budget) => [budget.name, budget]),
  );
  return {
    cooldowns: (['up', 'down'] as const).map((direction) => cooldownOf(known, evaluated, { direction, now })),
    budgets: [...budgets.values()].map(({ name, disruptionsAllowed, currentHealthy, desiredHealthy }) => ({
      name,
      disruptionsAllowed,
      healthy: currentHealthy,
      wanted: desiredHealthy,
    })),
    groups: [...groups.values()],
  };
}

/** Pods of which the same is said stand in one group. */
function withoutName(message: string, name: string): string {
  const lead = `pod ${name}: `;
  return (message.startsWith(lead) ? message.slice(lead.length) : message).replaceAll(`pod ${name}`, 'the pod');
}

function cooldownOf(
  { policy }: Known,
  { history }: EvaluatedRequests,
  { direction, now }: { readonly direction: ScalingDirection; readonly now: number },
): UpdatesStep['cooldowns'][number] {
  const length = direction === 'up' ? policy.cooldown.scaleUpMs : policy.cooldown.scaleDownMs;
  const name = direction === 'up' ? 'to larger requests' : 'to smaller requests';
  const free = { held: false, until: null, remainingSeconds: null };
  if (length <= 0) return { ...free, message: `updates ${name} wait for no cooldown` };
  const verdict = checkCooldown(policy.cooldown, history, direction, now);
  if (verdict.allowed) return { ...free, message: `updates ${name} may happen: none that counts in the last ${humanDuration(length)}` };
  const { since, until } = verdict;
  return {
    held: true,
    until: isoTime(until),
    remainingSeconds: remainingSeconds(until, now),
    message: `updates ${name} wait until ${formatTime(Math.ceil(until / 1000) * 1000)} (${leftText(until, now)}): the last was at ${formatTime(since)}, cooldown ${humanDuration(length)}`,
  };
}

/** By which way pods would get what is recommended, and what keeps them from it. */
export function explainApply(
  { policy }: Known,
  { apply, target, plan }: EvaluatedRequests,
  { reading, snapshot }: ExplainOptions,
): ApplyStep {
  const now = snapshot.takenAt;
  const seen = new Set<string>();
  const blocks = [...plan.holds.map(({ by, until, message }) => ({ by, until, message })), ...apply.blocks];
  return {
    updateMode: policy.updateMode,
    actuation: policy.actuation,
    mode: policy.mode,
    methods: { ...apply.methods },
    pods: target.pods.length,
    blocked: blocks.flatMap(({ by, until, message }) => {
      if (seen.has(message)) return [];
      seen.add(message);
      return [{ by, until: isoTime(until), remainingSeconds: remainingSeconds(until, now), message }];
    }),
    unchecked: apply.unchecked,
    note:
      policy.native && !reading.adopt.includes('vpa')
        ? 'the upstream VPA carries it out: this is what concertina would do with --adopt=vpa'
        : null,
  };
}
