import type { EstimationConfig } from '../../config.ts';
import { aggregatesBytes, createAggregates, nameOfAggregate } from './aggregates.kernel.ts';
import { loadCheckpoint, rangeEnd, saveCheckpoint, saveCheckpointText } from './checkpoints.ts';
import { createContainerWindows, createMemoryStep, windowsBytes } from './container-windows.kernel.ts';
import { createCpuBlock } from './cpu-feed.kernel.ts';
import { createEstimates } from './estimator.kernel.ts';
import { collectGarbage, forgetContainer } from './garbage.ts';
import { removePod, setPod } from './model-pods.kernel.ts';
import { liveSets, membersOf, removePolicy, setPolicy } from './model-policies.ts';
import type { EngineOptions, EngineState, PolicyState } from './model-state.ts';
import { observeOom } from './oom-kills.ts';
import { defaultPlanOf, defaultSettingsOf } from './policy-settings.ts';
import { recommend } from './recommendations.ts';
import { observeHistory } from './sample-history.kernel.ts';
import type { CheckpointTexts, RecommenderEngine } from './types.ts';
import { observeUsage } from './usage-feed.kernel.ts';
import { createUsageRows, rowsBytes } from './usage-rows.kernel.ts';

export type { EngineOptions } from './model-state.ts';

/** An engine that knows nothing yet. It behaves as the upstream recommender; where that is known to be wrong it does the right thing. */
export function createRecommenderEngine(config: EstimationConfig, options: EngineOptions = {}): RecommenderEngine & CheckpointTexts {
  return createEngine(config, options).engine;
}

/** The engine with what it remembers, for tests and benches. */
export function createEngine(
  config: EstimationConfig,
  options: EngineOptions = {},
): { readonly engine: RecommenderEngine & CheckpointTexts; readonly state: EngineState } {
  const state = createEngineState(config, options);
  return { engine: engineOn(state), state };
}

function engineOn(state: EngineState): RecommenderEngine & CheckpointTexts {
  const { policies } = state;
  const note = (now: number): void => {
    if (now > state.latest) state.latest = now;
  };
  return {
    setPolicy: (key, policy) => setPolicy(state, key, policy),
    removePolicy: (key) => removePolicy(state, key),
    setPod: (pod) => setPod(state, pod),
    removePod: (namespace, name) => removePod(state, namespace, name),
    observeUsage: (usage) => observeUsage(state, usage),
    observeOom: (oom) => observeOom(state, oom),
    observeHistory: (series) => observeHistory(state, series),
    podCount: (key) => podCount(policies.get(key)),
    recommend: (key, now) => {
      note(now);
      const policy = policies.get(key);
      return policy === undefined ? undefined : recommend(state, policy, now);
    },
    containerNames: (key) => containerNames(state, policies.get(key)),
    saveCheckpoint: (key, container, now) => {
      const policy = policies.get(key);
      return policy === undefined ? undefined : saveCheckpoint(state, policy, container, now);
    },
    checkpointText: (key, container, now) => {
      const policy = policies.get(key);
      return policy === undefined ? undefined : saveCheckpointText(state, policy, container, now);
    },
    loadCheckpoint: (key, container, status) => {
      const policy = policies.get(key);
      if (policy !== undefined) return loadCheckpoint(state, policy, container, status);
      return {
        ok: false,
        message: `the checkpoint of container ${container} is of a policy that is not known: set the policy ${key} first`,
      };
    },
    forgetContainer: (key, container) => {
      const policy = policies.get(key);
      if (policy !== undefined) forgetContainer(state, policy, container);
    },
    collectGarbage: (now, controllerExists) => {
      note(now);
      return collectGarbage(state, now, controllerExists);
    },
    stats: () => statsOf(state),
  };
}

function createEngineState(config: EstimationConfig, options: EngineOptions): EngineState {
  return {
    config,
    groups: options.upstreamKeys !== true,
    aggregates: createAggregates(),
    windows: createContainerWindows(),
    setOf: [],
    podOf: [],
    names: [],
    nameNumbers: new Map(),
    namespaces: new Map(),
    policies: new Map(),
    oomNotes: new Map(),
    settings: new Map(),
    defaultSettings: defaultSettingsOf(config),
    defaultPlan: defaultPlanOf(config),
    rows: createUsageRows(),
    step: createMemoryStep(),
    cpuBlock: createCpuBlock(),
    estimates: createEstimates(),
    containers: 0,
    pods: 0,
    latest: -Infinity,
  };
}

function podCount(policy: PolicyState | undefined): number {
  let count = 0;
  if (policy !== undefined) for (const { pods } of liveSets(policy)) count += pods;
  return count;
}

function containerNames(state: EngineState, policy: PolicyState | undefined): readonly string[] {
  const containers: string[] = [];
  if (policy === undefined) return containers;
  const members = membersOf(state, policy);
  for (let from = 0; from < members.length; from = rangeEnd(state, members, from)) {
    containers.push(state.names[nameOfAggregate(state.aggregates, members[from] ?? 0)] ?? '');
  }
  return containers;
}

/** What the objects of a pod, a label set and a policy take, roughly. */
const objectBytes = { pod: 160, set: 320, policy: 400 };

function statsOf(state: EngineState): ReturnType<RecommenderEngine['stats']> {
  const { aggregates, windows, containers, pods, policies, rows } = state;
  let sets = 0;
  for (const namespace of state.namespaces.values()) sets += namespace.sets.size;
  const objects = pods * objectBytes.pod + sets * objectBytes.set + policies.size * objectBytes.policy;
  const columns = aggregatesBytes(aggregates) + windowsBytes(windows) + rowsBytes(rows) + (state.setOf.length + state.podOf.length) * 8;
  return { aggregates: aggregates.count, containers, pods, policies: policies.size, bytes: columns + objects };
}
