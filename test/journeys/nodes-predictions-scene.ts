import type { KubeObject } from '../../core/model/index.ts';
import { seededRandom } from '../../core/runtime/random.ts';

/**
 * Random small worlds for the question whether the scheduler places pods where the simulation said that room would be. Many of them live in one
 * cluster at the same time: every pod selects the label `scene`, and names of zones and racks are the scene's own, so that none sees another.
 */

export const hostname = 'kubernetes.io/hostname';
export const zoneLabel = 'topology.kubernetes.io/zone';
export const sceneLabel = 'scene';

/** What the nodes of a pool are. */
export interface Machine {
  readonly cpu: string;
  readonly memory: string;
  readonly maxPods: number;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly { readonly key: string; readonly value: string; readonly effect: string }[];
  readonly gpus: number;
  /** CPU of the static pod that every node runs; absent: none. */
  readonly staticPodCpu: string | undefined;
}

/** A node group. */
export interface Pool {
  readonly id: string;
  readonly machine: Machine;
  readonly maxSize: number;
  readonly price: number;
}

/** A node that is there from the start. */
export interface SceneNode {
  readonly name: string;
  /** Absent: of no group. */
  readonly pool: string | undefined;
  readonly machine: Machine;
  readonly cordoned: boolean;
}

/** Pods that are alike, of one ReplicaSet or of none. */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly owned: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  /** Names of the nodes on which it has pods already. */
  readonly existing: readonly string[];
  readonly pending: number;
}

/** How the loop is set. */
export interface SceneMode {
  readonly compat: boolean;
  /** Absent: the default. */
  readonly expander: 'most-pods' | 'least-nodes' | 'price' | 'random' | 'cost' | undefined;
  readonly balance: boolean;
  /** The pods are there and refused by the scheduler before the loop looks; else they come when the nodes stand. */
  readonly podsFirst: boolean;
}

export interface Scene {
  readonly seed: number;
  /** Value of the label `scene`, and what all names of it begin with. */
  readonly id: string;
  readonly mode: SceneMode;
  readonly namespaces: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[];
  readonly pools: readonly Pool[];
  readonly nodes: readonly SceneNode[];
  readonly workloads: readonly Workload[];
  /** At most one. */
  readonly daemonSets: readonly KubeObject[];
}

/** Draws out of a seeded source. */
interface Draw {
  chance(share: number): boolean;
  int(min: number, max: number): number;
  of<T>(list: readonly T[]): T;
}

function createDraw(seed: number): Draw {
  const random = seededRandom(`predictions-${seed}`);
  const int = (min: number, max: number): number => min + Math.floor(random() * (max - min + 1));
  return {
    chance: (share) => random() < share,
    int,
    of: <T>(list: readonly T[]): T => list[int(0, list.length - 1)] as T,
  };
}

/** The scene of a seed; the same on every machine. */
export function makeScene(seed: number): Scene {
  const draw = createDraw(seed);
  const id = `s${seed}`;
  const compat = draw.chance(0.2);
  const mode: SceneMode = {
    compat,
    expander: draw.chance(0.4)
      ? undefined
      : draw.of([...(compat ? [] : (['cost', 'cost'] as const)), 'most-pods', 'least-nodes', 'price', 'random']),
    // Upstream estimates with the chosen group alone what then comes from several: with balancing its promise need not hold.
    balance: !compat && draw.chance(0.3),
    podsFirst: draw.chance(0.5),
  };
  const namespaces = ['a', 'b'].map((team) => ({ name: `${id}-${team}`, labels: { [sceneLabel]: id, team } }));
  const zones = ['a', 'b', 'c'].slice(0, draw.int(1, 3)).map((zone) => `${id}-${zone}`);
  const pools = Array.from({ length: draw.of([1, 2, 3, 3, 4, 4]) }, (_, index): Pool => {
    const machine = makeMachine(draw, { id, zones, pool: `${id}-g${index}` }, index === 0 && draw.chance(0.7));
    return { id: `${id}-g${index}`, machine, maxSize: draw.chance(0.15) ? draw.int(1, 3) : draw.int(5, 12), price: draw.int(1, 20) / 10 };
  });
  const nodes = makeNodes(draw, { id, zones, pools });
  const workloads = makeWorkloads(draw, { id, zones, nodes, namespaces: namespaces.map(({ name }) => name) });
  return { seed, id, mode, namespaces, pools, nodes, workloads, daemonSets: draw.chance(0.2) ? [daemonSet(draw, id)] : [] };
}

/** A general one is large and open to all. */
function makeMachine(draw: Draw, { id, zones, pool }: MachineGround, general = false): Machine {
  const cpu = draw.of(general ? [4, 8] : [1, 2, 2, 4, 4, 8]);
  const tainted = draw.chance(0.25) && !general;
  return {
    cpu: draw.chance(0.3) ? `${cpu * 1000 - 80}m` : `${cpu}`,
    memory: `${cpu * draw.of([1, 2, 4])}Gi`,
    maxPods: draw.of([3, 5, 8, 20, 110, 110]),
    zone: draw.of(zones),
    labels: {
      [sceneLabel]: id,
      disk: draw.of(['ssd', 'hdd']),
      ...(draw.chance(0.6) ? { rack: `${id}-${draw.of(['r1', 'r2'])}` } : {}),
      ...(pool === undefined ? {} : { pool }),
    },
    taints: [
      ...(tainted ? [{ key: 'dedicated', value: draw.of(['x', 'y']), effect: 'NoSchedule' }] : []),
      ...(draw.chance(0.1) ? [{ key: 'avoid', value: 'x', effect: 'PreferNoSchedule' }] : []),
    ],
    gpus: draw.chance(0.2) ? 2 : 0,
    staticPodCpu: draw.chance(0.25) ? draw.of(['100m', '250m']) : undefined,
  };
}

interface MachineGround extends Ground {
  readonly pool: string | undefined;
}

interface Ground {
  readonly id: string;
  readonly zones: readonly string[];
}

function makeNodes(draw: Draw, { id, zones, pools }: Ground & { readonly pools: readonly Pool[] }): readonly SceneNode[] {
  const nodes: SceneNode[] = [];
  for (const { id: pool, machine, maxSize } of pools) {
    const count = Math.min(maxSize, draw.of([0, 0, 0, 1, 1, 2]));
    for (let index = 0; index < count; index++) nodes.push({ name: `${pool}-e${index}`, pool, machine, cordoned: draw.chance(0.06) });
  }
  for (let index = draw.int(-1, 2); index > 0; index--) {
    const machine = makeMachine(draw, { id, zones, pool: undefined });
    nodes.push({ name: `${id}-old-${index}`, pool: undefined, machine, cordoned: draw.chance(0.06) });
  }
  return nodes;
}

interface WorkloadGround extends Ground {
  readonly nodes: readonly SceneNode[];
  readonly namespaces: readonly string[];
}

/** Room that is left, as far as pods are put onto nodes that exist: the kubelet would refuse more. */
interface Room {
  cpu: number;
  memory: number;
  pods: number;
  gpus: number;
  readonly ports: Set<number>;
}

const apps = ['web', 'db', 'job'] as const;

function makeWorkloads(draw: Draw, ground: WorkloadGround): readonly Workload[] {
  // Some scenes are about room alone, others about little but rules.
  const rules = draw.of([0, 0.5, 1, 1.5, 2]);
  const rooms = new Map(ground.nodes.map((node) => [node.name, roomOf(node.machine)]));
  return Array.from({ length: draw.int(3, 6) }, (_, index): Workload => {
    const owned = draw.chance(0.8);
    const name = `${ground.id}-w${index}`;
    const app = draw.of(apps);
    const labels = { app, workload: name, [sceneLabel]: ground.id, ...(draw.chance(0.5) ? { tier: draw.of(['x', 'y']) } : {}) };
    const demand: Demand = {
      cpu: draw.of([0, 100, 250, 500, 500, 900, 1500, 3000]),
      memory: draw.of([0, 64, 256, 512, 1024, 1500, 3000]),
      gpus: draw.chance(0.04) ? 1 : 0,
      init: draw.chance(0.08) ? draw.of([500, 2000]) : 0,
      sidecar: draw.chance(0.06) ? 200 : 0,
      port: draw.chance(0.1 * rules) ? draw.of([8080, 8081]) : 0,
    };
    const spec = podSpec(draw, { ...ground, app, workload: name, labels, demand, rules });
    const existing: string[] = [];
    for (let count = draw.of([0, 0, 1, 2, 3]); count > 0 && ground.nodes.length > 0; count--) {
      const node = draw.of(ground.nodes).name;
      if (takeRoom(rooms.get(node), demand)) existing.push(node);
    }
    const pending = owned ? draw.of([1, 2, 3, 4, 6, 9]) : draw.int(1, 3);
    return { name, namespace: draw.of([ground.namespaces[0] ?? '', ...ground.namespaces]), owned, labels, spec, existing, pending };
  });
}

/** Milli-cores and MiB. */
interface Demand {
  readonly cpu: number;
  readonly memory: number;
  readonly gpus: number;
  readonly init: number;
  readonly sidecar: number;
  readonly port: number;
}

function roomOf({ cpu, memory, maxPods, gpus, staticPodCpu }: Machine): Room {
  const milli = cpu.endsWith('m') ? Number.parseInt(cpu, 10) : Number(cpu) * 1000;
  const fixed = staticPodCpu === undefined ? 0 : Number.parseInt(staticPodCpu, 10);
  // Two places and some CPU for what is on every node.
  return { cpu: milli - fixed - 200, memory: Number.parseInt(memory, 10) * 1024 - 200, pods: maxPods - 2, gpus, ports: new Set() };
}

function takeRoom(room: Room | undefined, { cpu, memory, gpus, init, sidecar, port }: Demand): boolean {
  const need = Math.max(cpu + sidecar, init + sidecar);
  if (room === undefined || room.pods < 1 || room.cpu < need || room.memory < memory || room.gpus < gpus || room.ports.has(port))
    return false;
  room.pods -= 1;
  room.cpu -= need;
  room.memory -= memory;
  room.gpus -= gpus;
  if (port > 0) room.ports.add(port);
  return true;
}

interface SpecGround extends Ground {
  readonly app: string;
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly demand: Demand;
  /** How often rules are, 0…2. */
  readonly rules: number;
}

function podSpec(draw: Draw, ground: SpecGround): Readonly<Record<string, unknown>> {
  const { rules, id, zones } = ground;
  const topologySpreadConstraints = spreadConstraints(draw, ground);
  const affinity = without({
    nodeAffinity: draw.chance(0.12 * rules) ? nodeAffinity(draw, { id, zones }) : undefined,
    podAffinity: draw.chance(0.13 * rules) ? required([podTerm(draw, ground, draw.chance(0.7))]) : undefined,
    podAntiAffinity: draw.chance(0.22 * rules) ? required([podTerm(draw, ground, draw.chance(0.6))]) : undefined,
  });
  const tolerations = [
    [{ key: 'dedicated', operator: 'Exists' }],
    [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }],
    [{ operator: 'Exists' }],
  ];
  return {
    terminationGracePeriodSeconds: 0,
    nodeSelector: without({
      [sceneLabel]: id,
      disk: draw.chance(0.25) ? draw.of(['ssd', 'hdd']) : undefined,
      [zoneLabel]: draw.chance(0.2) ? draw.of(zones) : undefined,
    }),
    ...containersOf(draw, ground.demand),
    ...without({ tolerations: draw.chance(0.35) ? draw.of(tolerations) : undefined }),
    ...(topologySpreadConstraints.length > 0 ? { topologySpreadConstraints } : {}),
    ...(Object.keys(affinity).length > 0 ? { affinity } : {}),
  };
}

/** The object without the fields that are undefined. */
function without(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function containersOf(draw: Draw, { cpu, memory, gpus, init, sidecar, port }: Demand): Readonly<Record<string, unknown>> {
  const gpu = gpus > 0 ? `${gpus}` : undefined;
  const requests = without({
    cpu: cpu > 0 ? `${cpu}m` : undefined,
    memory: memory > 0 ? `${memory}Mi` : undefined,
    'example.com/gpu': gpu,
  });
  const protocol = draw.of(['TCP', 'TCP', 'UDP']);
  const hostIP = draw.chance(0.2) ? '10.1.2.3' : undefined;
  const ports = port === 0 ? undefined : [without({ containerPort: 80, hostPort: port, protocol, hostIP })];
  const initContainers = [
    ...(sidecar > 0 ? [container('sidecar', { cpu: `${sidecar}m` }, { restartPolicy: 'Always' })] : []),
    ...(init > 0 ? [container('init', { cpu: `${init}m` })] : []),
  ];
  return {
    containers: [container('main', requests, { ports, limits: gpu === undefined ? undefined : { 'example.com/gpu': gpu } })],
    ...(initContainers.length > 0 ? { initContainers } : {}),
  };
}

function container(
  name: string,
  requests: Readonly<Record<string, unknown>>,
  { limits, ...rest }: { readonly ports?: unknown; readonly limits?: unknown; readonly restartPolicy?: string } = {},
): object {
  return without({ name, image: 'registry.local/app:1', resources: without({ requests, limits }), ...rest });
}

const required = (terms: readonly unknown[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms });

/** Of the workload's own pods, mostly. */
function selector(draw: Draw, { app, workload }: SpecGround, own: boolean): object {
  if (own) return draw.of([{ matchLabels: { app } }, { matchLabels: { workload } }]);
  return draw.of<object>([
    { matchLabels: { app: draw.of(apps) } },
    { matchLabels: { app: draw.of(apps) } },
    { matchExpressions: [{ key: 'app', operator: 'NotIn', values: [draw.of(apps)] }] },
    { matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
    {},
  ]);
}

/** At most two, of different keys: the API server refuses two of one key and effect. */
function spreadConstraints(draw: Draw, ground: SpecGround): readonly object[] {
  const keys = draw.of([
    [hostname, zoneLabel],
    [hostname, 'rack'],
    [zoneLabel, hostname],
    [zoneLabel, 'rack'],
    ['rack', zoneLabel],
  ]);
  const count = draw.chance(0.3 * ground.rules) ? draw.of([1, 1, 2]) : 0;
  return keys.slice(0, count).map((key) => spreadConstraint(draw, ground, key));
}

function spreadConstraint(draw: Draw, ground: SpecGround, topologyKey: string): object {
  const hard = draw.chance(0.85);
  const own = draw.chance(0.8);
  return {
    topologyKey,
    maxSkew: draw.of([1, 1, 2]),
    whenUnsatisfiable: hard ? 'DoNotSchedule' : 'ScheduleAnyway',
    labelSelector: selector(draw, ground, own),
    ...(hard && draw.chance(0.08) ? { minDomains: draw.int(1, 3) } : {}),
    ...(draw.chance(0.2) ? { nodeTaintsPolicy: draw.of(['Honor', 'Ignore']) } : {}),
    ...(own && draw.chance(0.2) ? { matchLabelKeys: ['tier'] } : {}),
  };
}

function podTerm(draw: Draw, ground: SpecGround, own: boolean): object {
  return {
    topologyKey: draw.of([hostname, hostname, zoneLabel, 'rack']),
    labelSelector: selector(draw, ground, own),
    ...(draw.chance(0.15)
      ? { namespaceSelector: { matchLabels: { [sceneLabel]: ground.id, ...(draw.chance(0.5) ? { team: draw.of(['a', 'b']) } : {}) } } }
      : {}),
    // A key that the selector names as well is refused.
    ...(own && draw.chance(0.2) ? { matchLabelKeys: ['tier'] } : {}),
  };
}

function nodeAffinity(draw: Draw, { id, zones }: Ground): object {
  const terms = draw.of([
    [{ matchExpressions: [{ key: zoneLabel, operator: 'In', values: [zones[0], draw.of(zones)] }] }],
    [{ matchExpressions: [{ key: zoneLabel, operator: 'NotIn', values: [draw.of(zones)] }] }],
    [{ matchExpressions: [{ key: 'rack', operator: 'Exists' }] }],
    [
      { matchExpressions: [{ key: 'rack', operator: 'In', values: [`${id}-r1`] }] },
      { matchExpressions: [{ key: 'disk', operator: 'In', values: ['hdd'] }] },
    ],
    [{ matchExpressions: [{ key: 'pool', operator: 'In', values: [`${id}-g0`, `${id}-g1`] }] }],
  ]);
  return { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } };
}

function daemonSet(draw: Draw, id: string): KubeObject {
  const labels = { app: 'agent', workload: `${id}-agent`, [sceneLabel]: id };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: `${id}-agent`, namespace: `${id}-a`, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          nodeSelector: { [sceneLabel]: id, ...(draw.chance(0.3) ? { disk: 'ssd' } : {}) },
          ...(draw.chance(0.6) ? { tolerations: [{ operator: 'Exists' }] } : {}),
          containers: [container('agent', { cpu: '100m', memory: '64Mi' })],
        },
      },
    },
  };
}

/** A pod of the workload, as it is sent to the API server. */
export function podOf(workload: Workload, index: number, nodeName?: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${workload.name}-${index}`, namespace: workload.namespace, labels: { ...workload.labels } },
    spec: { ...workload.spec, ...(nodeName === undefined ? {} : { nodeName }) },
  };
}

/** The static pod of a node as its kubelet shows it. */
export function staticPodOf(scene: Scene, node: string, cpu: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `proxy-${node}`,
      namespace: scene.namespaces[0]?.name ?? '',
      labels: { app: 'proxy', [sceneLabel]: scene.id },
      annotations: { 'kubernetes.io/config.mirror': 'static', 'kubernetes.io/config.source': 'file' },
    },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: 'Exists' }],
      containers: [container('proxy', { cpu })],
    },
  };
}
