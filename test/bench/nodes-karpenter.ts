import { upstreamGroupOptions, upstreamLoopOptions } from '../../cluster-autoscaler/engine/loop/options.ts';
import { scaleUp, type ScaleUpGroup } from '../../cluster-autoscaler/engine/scale-up/index.ts';
import { createSchedulingSnapshot } from '../../cluster-autoscaler/engine/scheduling/index.ts';
import { createInterner, projectNode, projectPod, type PodRecord } from '../../core/model/index.ts';
import { figureSheet, type Figure } from './figure.ts';
import { checkPlan } from './karpenter-check.ts';
import { decide, readPlan } from './karpenter-plan.ts';
import { drawPods, karpenterGroups, podRecords } from './karpenter-workload.ts';

/** Karpenter v1.15.0 and the upstream autoscaler on this machine (specs/peers.md, parts 1 and 2): best wall times, and Karpenter's least price. */
const peers = {
  10_000: { ms: 29_820, price: 3_533, limitMs: 400 },
  20_000: { ms: 80_690, price: 7_176, limitMs: 800 },
} as const;
const upstreamScaleUpMs = 10_480;
/** The first of them are compiled while they run. */
const rounds = 12;
const { figure, against } = figureSheet('nodes', 3);

/**
 * Scale-up decisions at size: Karpenter's workload with the expander `cost`, and upstream's RunOnceScaleUp (peers.md, 2 C). A decision that breaks a rule of
 * any pod, leaves a pod out or asks for a wrong number of nodes ends the bench. Times are of CPU, garbage collection and compiling included.
 */
export async function scaleUpFigures(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const how of ['every-zone', 'one-zone'] as const) {
    for (const count of [10_000, 20_000] as const) figures.push(...(await karpenterFigures(count, how, figures.length === 0)));
  }
  figures.push(runOnceFigure());
  return figures;
}

const groupText = {
  'every-zone': '1,200 groups (400 types in each of 3 zones)',
  'one-zone': '400 groups (type i in zone i mod 3)',
} as const;

async function karpenterFigures(count: 10_000 | 20_000, how: keyof typeof groupText, isFirst: boolean): Promise<Figure[]> {
  const drawn = await drawPods(count);
  const pods = podRecords(drawn);
  const groups = karpenterGroups(how);
  const stopwatch = (): number => performance.now();
  const first = measured(() => decide(pods, groups, stopwatch));
  const plan = readPlan(pods, groups, first.value);
  const problems = checkPlan(drawn, plan.nodes, plan.placements);
  if (problems.length > 0 || plan.left > 0) {
    throw new Error(`${count} pods, ${how}: ${plan.left} pods left, ${problems.length} rules broken: ${problems.slice(0, 3).join('; ')}`);
  }
  let best = first.ms;
  let stretchMs = first.value.stretchMs;
  for (let round = 1; round < rounds; round++) {
    const next = measured(() => decide(pods, groups, stopwatch));
    best = Math.min(best, next.ms);
    stretchMs = Math.min(stretchMs, next.value.stretchMs);
  }
  const name = (what: string): string => `${what}, ${count.toLocaleString('en')} pods of Karpenter's benchmark, ${groupText[how]}`;
  const { ms, price, limitMs } = peers[count];
  return [
    against(figure(name('whole decision of the cheapest mix'), best, 'ms of CPU', limitMs), 'Karpenter, wall', ms),
    ...(isFirst ? [figure(name('the first one in its process'), first.ms, 'ms of CPU', null)] : []),
    figure(name('longest stretch without a pause in it'), stretchMs, 'ms', 50),
    against(figure(name('price of the mix'), plan.price, 'an hour', price), 'Karpenter', price),
    figure(name('above what no mix can be below'), (plan.price / plan.boundWithHosts - 1) * 100, '%', null),
    figure(name('above the sum of requests at the best unit price'), (plan.price / plan.bound - 1) * 100, '%', null),
  ];
}

/** RunOnceScaleUp: 50,000 ownerless pods of 200m and 200 bytes, one group of nodes of 10 cores: 1,000 nodes. */
function runOnceFigure(): Figure {
  const interner = createInterner();
  const pods = Array.from({ length: 50_000 }, (_, index): PodRecord => {
    const requests = { cpu: '200m', memory: '200' };
    return projectPod(
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `pod-${index}`, namespace: 'default', uid: `pod-${index}` },
        spec: { containers: [{ name: 'c', resources: { requests } }] },
        status: { phase: 'Pending' },
      },
      interner,
    );
  });
  const group = runOnceGroup();
  const options = { ...upstreamLoopOptions, maxNodesPerScaleUp: 10_000, maxNodesTotal: 10_000 };
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const { ms, value } = measured(() => {
      const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
      const steps = scaleUp({ now: 0, snapshot, pods, groups: [group], options });
      let step = steps.next();
      while (step.done !== true) step = steps.next({ ok: true });
      return step.value;
    });
    const [increase] = value.increases;
    if (increase?.to !== 1000 || value.helped.length !== 50_000)
      throw new Error(`RunOnceScaleUp: ${increase?.to} nodes, ${value.helped.length} pods`);
    best = Math.min(best, ms);
  }
  const of = figure('scale-up decision, 50,000 ownerless pods of one kind, one group (RunOnceScaleUp)', best, 'ms of CPU', null);
  return against(of, 'upstream RunOnce, wall', upstreamScaleUpMs);
}

function runOnceGroup(): ScaleUpGroup {
  const resources = { cpu: '10', memory: '10000', pods: '100' };
  const node = projectNode(
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'template', labels: { 'kubernetes.io/hostname': 'template' } },
      status: { capacity: resources, allocatable: resources, conditions: [{ type: 'Ready', status: 'True' }] },
    },
    createInterner(),
  );
  const template = { node, pods: [] };
  return {
    group: { id: 'ng1', minSize: 0, maxSize: 10_000, targetSize: 0, instances: [], template, options: upstreamGroupOptions },
    template,
    state: 'healthy',
  };
}

function measured<T>(work: () => T): { readonly ms: number; readonly value: T } {
  const before = process.cpuUsage();
  const value = work();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1000, value };
}
