import { performance } from 'node:perf_hooks';
import { emptyLoopState, runLoop, type LoopReport, type LoopState } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { Effect } from '../../cluster-autoscaler/engine/model.ts';
import { figureSheet, type Figure } from './figure.ts';
import { mainThreadMs, runController } from './nodes-controller.ts';
import { busyCluster, upstreamScaleDown, upstreamScaleUp, type ClusterSize, type LoopLoad } from './nodes-loop-workload.ts';
import { measureResident } from './nodes-memory.ts';
import { podByPodScaleDown, podByPodScaleUp } from './nodes-pod-by-pod.ts';

/**
 * Whole loops: from the records of nodes and pods, as mirrors keep them, to the report; what is asked of the world is answered at once. Times are CPU of all
 * threads of the process, garbage collection and compiling included, the least of some loops: the machine is shared.
 */

/** Asked for, and upstream's RunOnce here (specs/peers.md, part 2), wall. */
const peers = {
  scaleUp: { limitMs: 100, upstream: '10.48 s' },
  scaleDown: { limitMs: 120, upstream: '12.45 s' },
} as const;
const { figure, against } = figureSheet('nodes', 1);
const blockMs = 50;
const residentMiB = 1024;
/** Milliseconds at a stretch, as the controller drives the loop. */
const sliceMs = 10;

/** What one loop did and took. */
interface Turn {
  readonly report: LoopReport;
  readonly state: LoopState;
  readonly effects: readonly Effect[];
  readonly cpuMs: number;
  /** CPU of the main thread in the longest stretch between two pauses. */
  readonly stretchMs: number;
}

async function turn(load: LoopLoad, state: LoopState, afterMs: number): Promise<Turn> {
  const effects: Effect[] = [];
  const before = process.cpuUsage();
  const input = { ...load.input, now: load.input.now + afterMs };
  const loop = runLoop(input, state, load.options, { stopwatch: () => performance.now(), sliceMs });
  let stretchMs = 0;
  for (;;) {
    const began = mainThreadMs();
    const step = loop.next({ ok: true });
    stretchMs = Math.max(stretchMs, mainThreadMs() - began);
    if (step.done === true) {
      const { user, system } = process.cpuUsage(before);
      return { ...step.value, effects, cpuMs: (user + system) / 1000, stretchMs };
    }
    if (step.value.type !== 'pause') effects.push(step.value);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

interface Series {
  readonly loops: number;
  /** Each loop goes on from the one before, 10 s later. */
  readonly carry: boolean;
  readonly check: (turn: Turn) => string | undefined;
}

interface Measured {
  readonly firstMs: number;
  readonly leastMs: number;
  /** The least of the longest stretches of each loop. */
  readonly stretchMs: number;
}

/** Some loops one after the other, each of which is checked. */
async function measure(load: LoopLoad, { loops, carry, check }: Series): Promise<Measured> {
  globalThis.gc?.();
  // What the collector goes on with beside this thread is not the loop's.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const turns: Pick<Turn, 'cpuMs' | 'stretchMs'>[] = [];
  let state = emptyLoopState();
  for (let done = 0; done < loops; done++) {
    const each = await turn(load, state, carry ? done * 10_000 : 0);
    const problem = each.report.error ?? check(each);
    if (problem !== undefined) throw new Error(problem);
    if (carry) state = each.state;
    turns.push({ cpuMs: each.cpuMs, stretchMs: each.stretchMs });
  }
  return {
    firstMs: turns[0]?.cpuMs ?? Number.NaN,
    leastMs: Math.min(...turns.map(({ cpuMs }) => cpuMs)),
    stretchMs: Math.min(...turns.map(({ stretchMs }) => stretchMs)),
  };
}

/** Upstream's RunOnceScaleUp and RunOnceScaleDown, whole loops of this program. A wrong number of nodes ends the bench. */
export async function upstreamLoopFigures(): Promise<readonly Figure[]> {
  const up = await measure(upstreamScaleUp(), {
    loops: 15,
    carry: false,
    check: ({ effects, report }) => {
      const grown = effects.map((effect) => (effect.type === 'increase-size' ? effect.delta : 0));
      return grown.join() === '1000' && report.helped.length === 50_000
        ? undefined
        : `C: the group grows by ${grown.join()} for ${report.helped.length} pods`;
    },
  });
  const upName = `one whole loop, 50,000 pending pods → 1,000 nodes (C; upstream, measured elsewhere: ${peers.scaleUp.upstream})`;
  const figures: Figure[] = [
    against(figure(upName, up.leastMs, 'ms of CPU', peers.scaleUp.limitMs), 'its packing pod by pod', podByPodScaleUp()),
    figure('the first of these loops, much of the code not compiled yet (C)', up.firstMs, 'ms of CPU', null),
    figure('longest stretch without a pause in it (C)', up.stretchMs, "ms of the main thread's CPU", blockMs),
  ];
  for (const compat of ['cluster-autoscaler', 'none'] as const) {
    const down = await measure(upstreamScaleDown(compat), {
      loops: 15,
      carry: false,
      check: ({ effects }) => {
        const tainted = effects.map((effect) => (effect.type === 'start-deletion' ? effect.nodes.length : 0));
        return tainted.join() === '1200' ? undefined : `D: ${tainted.join()} nodes are tainted`;
      },
    });
    const how = compat === 'none' ? "the house's way" : '--compat=cluster-autoscaler';
    const name = `one whole loop, 2,000 nodes × 80,000 pods of which 1,200 nodes go, ${how} (D; upstream, measured elsewhere: ${peers.scaleDown.upstream})`;
    figures.push(
      against(
        figure(name, down.leastMs, 'ms of CPU', peers.scaleDown.limitMs),
        'its scale-down pass pod by pod',
        podByPodScaleDown(compat),
      ),
      figure(`the first of these loops, much of the code not compiled yet, ${how} (D)`, down.firstMs, 'ms of CPU', null),
      figure(`longest stretch without a pause in it, ${how} (D)`, down.stretchMs, "ms of the main thread's CPU", blockMs),
    );
  }
  return figures;
}

const podsPerNode = 30;
const sizes = [1_000, 2_000, 5_000, 10_000, 15_000] as const;
const limitsMs: Readonly<Partial<Record<number, number>>> = { 5_000: 1_000, 15_000: 3_000 };

/** Whole loops of clusters in daily use, scale-down pass included: nothing pending, and one pod in a hundred. Says the curve as a table, too. */
export async function scalingFigures(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const rows: string[] = [];
  let perNode: number | undefined;
  // The first loops of a process are compiled while they run.
  for (let round = 0; round < 4; round++) await scalingPoint({ nodes: sizes[0], podsPerNode, pendingShare: 0.01 * (round % 2) });
  for (const nodes of sizes) {
    const steady = await scalingPoint({ nodes, podsPerNode, pendingShare: 0 });
    const busy = await scalingPoint({ nodes, podsPerNode, pendingShare: 0.01 });
    const share = steady.leastMs / nodes;
    perNode ??= share;
    const size = `${nodes.toLocaleString('en')} nodes × ${(nodes * podsPerNode).toLocaleString('en')} pods`;
    const limit = limitsMs[nodes] ?? null;
    const name = `one whole loop with its scale-down pass, ${size}`;
    figures.push(
      against(figure(name, steady.leastMs, 'ms of CPU', limit), 'as much a node as with 1,000', perNode * nodes),
      figure(`${name}, 1 % of them pending`, busy.leastMs, 'ms of CPU', limit),
      figure(`the first one of a cluster, ${size}`, steady.firstMs, 'ms of CPU', limit),
      figure(`longest stretch without a pause, ${size}, 1 % of them pending`, busy.stretchMs, "ms of the main thread's CPU", blockMs),
    );
    const cells = [steady.leastMs, (1000 * steady.leastMs) / nodes, busy.leastMs, steady.firstMs, busy.firstMs, busy.stretchMs];
    rows.push(`| ${size} | ${cells.map((value) => value.toFixed(1)).join(' | ')} |`);
  }
  console.error('| cluster | loop, ms | µs a node | 1 % pending, ms | first loop, ms | first with 1 % pending, ms | longest stretch, ms |');
  console.error('|---|---:|---:|---:|---:|---:|---:|');
  for (const row of rows) console.error(row);
  return [...figures, ...(await controllerFigures())];
}

function scalingPoint(size: ClusterSize): Promise<Measured> {
  // 50 pods of each new workload; every other workload's pods ask for more than any node has free.
  const pending = Math.round(size.nodes * size.podsPerNode * size.pendingShare);
  const helped = Math.floor(pending / 100) * 50;
  return measure(busyCluster(size), {
    // Each loop with pending pods makes another one of the groups grow, until all of them are in cooldown.
    loops: 8,
    carry: true,
    check: ({ report }) =>
      report.helped.length === helped &&
      report.pods.length === pending &&
      report.nodes.some(({ unneededSince }) => unneededSince !== undefined)
        ? undefined
        : `${size.nodes} nodes: ${report.helped.length} pods are helped, not ${helped}; ${report.pods.length} are told of, not ${pending}`,
  });
}

/** The controller around the loop, at the greatest size: how long it holds up the process, and how large it is. */
async function controllerFigures(): Promise<readonly Figure[]> {
  const size = { nodes: 15_000, podsPerNode, pendingShare: 0.01 };
  const turns = await runController(busyCluster(size), 5);
  const longest = Math.min(...turns.map((each) => each.blockMs));
  const [first] = turns;
  const name =
    'longest block of the event loop while the controller reads, decides and tells, 15,000 nodes × 450,000 pods, 1 % of them pending';
  return [
    figure(name, longest, "ms of the main thread's CPU", blockMs),
    figure(`${name}, the first loop`, first?.blockMs ?? Number.NaN, "ms of the main thread's CPU", blockMs),
    figure(
      'resident memory, at its highest, of a process with 15,000 nodes × 450,000 pods as records and the controller on them',
      (await measureResident(size.nodes, podsPerNode)) / 2 ** 20,
      'MiB',
      residentMiB,
    ),
  ];
}
