import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  defaultGroupOptions,
  defaultLoopOptions,
  upstreamLoopOptions,
  upstreamOptions,
  type LoopOptions,
} from '../../cluster-autoscaler/engine/loop/index.ts';
import { firstDifference } from '../../simulator/backtest/nodes-fidelity.ts';
import type { PathFigures } from '../../simulator/backtest/nodes-meter.ts';
import type { PlacementRule } from '../../simulator/backtest/nodes-placement.ts';
import { playNodes, type PlayedLoop, type PlayOptions } from '../../simulator/backtest/nodes-play.ts';
import type { NodesRecording } from '../../simulator/backtest/nodes-recording.ts';
import { sceneOf } from '../../simulator/backtest/nodes-scene-of.ts';
import type { Figure } from './figure.ts';

/**
 * Our own defaults against upstream's on the scenes of the recorded decision paths, in a closed loop: what the autoscaler does takes effect. Both see the
 * same workload, machines that take as long, and the same breakdowns.
 */

type Settings = Pick<PlayOptions, 'loop' | 'group' | 'deletion' | 'intentLead'>;

/** A row of a table. */
interface Contender {
  readonly name: string;
  readonly settings: (flags: readonly string[]) => Settings;
}

/** What is compared, under which circumstances; the first contender is what the others are compared with. */
interface Table {
  readonly title: string;
  readonly placement: PlacementRule;
  /** Seconds after the recorded end in which nothing happens but what the autoscaler does. */
  readonly tail: number;
  readonly flags: (flags: readonly string[]) => readonly string[];
  readonly contenders: readonly Contender[];
}

function upstream(flags: readonly string[]): Settings {
  const { loop, group, actuation } = upstreamOptions(flags);
  return { loop, group, deletion: actuation };
}

/** The options in which the house's defaults differ from upstream's. */
const houseLoop = Object.fromEntries(
  Object.entries(defaultLoopOptions).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(upstreamLoopOptions[key as keyof LoopOptions]),
  ),
) as Partial<LoopOptions>;

/** Sizes, limits, thresholds, expander and unneeded times as the flags say; everything else the house's way. */
function house(flags: readonly string[], cooldown: Partial<Settings['group']['cooldown']> = {}): Settings {
  const { loop, group, deletion } = upstream(flags);
  return {
    loop: { ...loop, ...houseLoop, scaleDownDelayTypeLocal: false },
    group: { ...group, cooldown: { ...defaultGroupOptions.cooldown, ...cooldown } },
    deletion,
  };
}

/** Upstream's settings in the house's order (which node is looked at and goes first, which pool of equal ones), and with one more of its ways. */
function upstreamWith(change: Partial<LoopOptions>, intentLead = 0): Contender['settings'] {
  return (flags) => {
    const settings = upstream(flags);
    return { ...settings, loop: { ...settings.loop, compat: 'none', ...change }, intentLead };
  };
}

/** The recorded cases are set to quick times, so that much happens in ten minutes; without these flags upstream's defaults hold. */
const times =
  /^--(scale-down-(unneeded-time|unready-time|delay-.*)|max-node-(provision|startup)-time|initial-node-group-backoff-duration|unremovable-node-recheck-timeout|max-pod-eviction-time|blocking-system-pod-distruption-timeout)=/;
const withoutTimes = (flags: readonly string[]): readonly string[] => flags.filter((flag) => !times.test(flag));

const both: readonly Contender[] = [
  { name: 'upstream', settings: upstream },
  { name: 'house', settings: (flags) => house(flags) },
  { name: 'house, no scale-up cooldown', settings: (flags) => house(flags, { scaleUpMs: 0 }) },
  { name: 'house, no cooldowns', settings: (flags) => house(flags, { scaleUpMs: 0, scaleDownMs: 0 }) },
];

const tables: readonly Table[] = [
  { title: 'the flags of each case, until the recorded end', placement: 'first-fit', tail: 0, flags: (flags) => flags, contenders: both },
  {
    title: "upstream's default times, and 30 quiet minutes after the end",
    placement: 'first-fit',
    tail: 1800,
    flags: withoutTimes,
    contenders: [
      ...both,
      { name: "upstream in the house's order", settings: upstreamWith({}) },
      { name: '… + several pools a loop', settings: upstreamWith({ severalPoolsPerLoop: true }) },
      { name: '… + minimum sizes', settings: upstreamWith({ enforceNodeGroupMinSize: true }) },
      { name: '… + look-ahead', settings: upstreamWith({ lookAhead: true }) },
      { name: '… + look-ahead of 10 s', settings: upstreamWith({ lookAhead: true }, 10) },
    ],
  },
  {
    title: 'the same, with a scheduler that spreads as kube-scheduler does',
    placement: 'kube-scheduler',
    tail: 1800,
    flags: withoutTimes,
    contenders: both.slice(0, 3),
  },
];

const vectors = fileURLToPath(new URL('../conformance/vectors/ca-trajectory.json', import.meta.url));

/** Prints the tables, with the worst losses of the house and where the paths part; a few minutes. Answers the totals as figures of the bench `nodes`. */
export function printNodesHouse(print: (line: string) => void = console.error): readonly Figure[] {
  const { cases } = JSON.parse(readFileSync(vectors, 'utf8')) as { readonly cases: readonly NodesRecording[] };
  const apart = cases.flatMap((recording) => {
    const difference = firstDifference(recording, upstream(recording.input.flags));
    return difference === undefined ? [] : [`${recording.id} ${difference}`];
  });
  print(
    `closed loop, upstream's way: ${cases.length - apart.length} of ${cases.length} recorded paths come out equal, pod by pod and node by node`,
  );
  for (const line of apart) print(`  ${line}`);
  return tables.flatMap((table) => printTable(table, cases, print));
}

function printTable(table: Table, cases: readonly NodesRecording[], print: (line: string) => void): readonly Figure[] {
  const scenes = cases.map((recording) => ({ scene: sceneOf(recording), flags: table.flags(recording.input.flags) }));
  const played = table.contenders.map((contender) => ({
    contender,
    paths: scenes.map(({ scene, flags }) =>
      playPath(scene, { ...contender.settings(flags), placement: table.placement, tail: table.tail }),
    ),
  }));
  const [base, ours] = played;
  if (base === undefined || ours === undefined) return [];
  print('');
  print(`${table.title} (${table.placement})`);
  print(
    row([
      '',
      'waiting h',
      'node h',
      'core h',
      'evictions',
      'scale-ups',
      'bought',
      'removed',
      'thrash',
      'waits: fewer/more',
      'nodes: fewer/more',
    ]),
  );
  for (const { contender, paths } of played) {
    const against = (key: keyof PathFigures): string => `${count(paths, base.paths, key, -1)}/${count(paths, base.paths, key, 1)}`;
    print(row([contender.name, ...totals(paths), against('waitingSeconds'), against('nodeSeconds')]));
  }
  print(`(without ${hours(sum(base.paths, 'hopelessSeconds'))} h of pods that no node of any group can take)`);
  for (const key of ['waitingSeconds', 'nodeSeconds'] as const) {
    print(`most ${key === 'waitingSeconds' ? 'waiting' : 'nodes'} lost by the house:`);
    for (const line of losses(cases, base.paths, ours.paths, key)) print(`  ${line}`);
  }
  return (['waitingSeconds', 'nodeSeconds'] as const).map((key) => figureOf(table, sum(ours.paths, key), sum(base.paths, key), key));
}

interface PlayedPath {
  readonly figures: PathFigures;
  /** What was done in the loops in which something was. */
  readonly steps: readonly string[];
}

function playPath(scene: Parameters<typeof playNodes>[0], options: Omit<PlayOptions, 'observe'>): PlayedPath {
  const steps: string[] = [];
  const observe = (loop: PlayedLoop): void => {
    const done = loop.effects.flatMap(actionOf);
    if (done.length > 0) steps.push(`${loop.t} s ${done.join(' ')}`);
  };
  return { figures: playNodes(scene, { ...options, observe }), steps };
}

function actionOf({ effect, ok }: PlayedLoop['effects'][number]): readonly string[] {
  if (effect.type === 'increase-size') return [`${effect.group}+${effect.delta}${ok ? '' : ' refused'}`];
  return effect.type === 'start-deletion' ? effect.nodes.map(({ node, kind }) => `-${node}${kind === 'drain' ? ' (drain)' : ''}`) : [];
}

function losses(
  cases: readonly NodesRecording[],
  base: readonly PlayedPath[],
  ours: readonly PlayedPath[],
  key: keyof PathFigures,
): readonly string[] {
  return ours
    .map((path, at) => ({ at, lost: path.figures[key] - (base[at]?.figures[key] ?? 0) }))
    .filter(({ lost }) => lost > 0)
    .toSorted((a, b) => b.lost - a.lost)
    .slice(0, 6)
    .map(({ at, lost }) => {
      const [theirs, mine] = [base[at]?.steps ?? [], ours[at]?.steps ?? []];
      const fork = theirs.findIndex((step, index) => step !== mine[index]);
      const place = fork < 0 ? theirs.length : fork;
      return `${cases[at]?.id} +${lost} s; first: upstream ${theirs[place] ?? 'nothing more'}, house ${mine[place] ?? 'nothing more'}`;
    });
}

function sum(paths: readonly PlayedPath[], key: keyof PathFigures): number {
  return paths.reduce((total, { figures }) => total + figures[key], 0);
}

function count(paths: readonly PlayedPath[], base: readonly PlayedPath[], key: keyof PathFigures, sign: 1 | -1): number {
  return paths.filter(({ figures }, at) => Math.sign(figures[key] - (base[at]?.figures[key] ?? 0)) === sign).length;
}

function totals(paths: readonly PlayedPath[]): readonly string[] {
  const seconds = (['waitingSeconds', 'nodeSeconds', 'coreSeconds'] as const).map((key) => hours(sum(paths, key)));
  const counts = (['evictions', 'scaleUps', 'nodesAdded', 'nodesRemoved', 'thrash'] as const).map((key) => String(sum(paths, key)));
  return [...seconds, ...counts];
}

function hours(seconds: number): string {
  return (seconds / 3600).toFixed(2);
}

function row([name = '', ...cells]: readonly string[]): string {
  return `${name.padEnd(34)}${cells.map((cell) => cell.padStart(Math.max(11, cell.length + 2))).join('')}`;
}

function figureOf(table: Table, ours: number, theirs: number, key: 'waitingSeconds' | 'nodeSeconds'): Figure {
  const what = key === 'waitingSeconds' ? 'pods wait' : 'nodes stand';
  const [value, against] = [ours, theirs].map((seconds) => Math.round(seconds / 36) / 100) as [number, number];
  return {
    bench: 'nodes',
    figure: `${what}, house defaults, 60 recorded scenes, ${table.title} (${table.placement})`,
    value,
    unit: 'h',
    better: 'lower',
    limit: null,
    against: { name: 'upstream', value: against },
    ratio: Math.round((theirs / ours) * 1000) / 1000,
  };
}
