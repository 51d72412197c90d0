import type { Fence, KubeClient } from '../../core/kube/index.ts';
import type { Clock } from '../../core/model/index.ts';
import type { Logger } from '../../core/runtime/index.ts';
import type { ActuationConfig } from '../config.ts';
import type { Effect, EffectResult, NodeGroup } from '../engine/model.ts';
import { candidateTaintKey } from '../engine/templates/index.ts';
import type { Provider, ProviderResult } from '../providers/provider.ts';
import { failureText, fencedResult, type Actuator } from './actuator.ts';
import { gpuSeriesOf } from './gpu-series.ts';
import type { NodesMetrics } from './metrics.ts';
import { atMost, changeNode, deletionCandidate, type NodeWrite } from './node-taints.ts';

/** Carries out what a loop wants done. */
export interface Effects {
  carryOut(effect: Effect): Promise<EffectResult>;
}

export interface EffectsOptions {
  readonly client: KubeClient;
  readonly fence: Fence;
  readonly provider: Provider;
  readonly actuator: Actuator;
  readonly clock: Clock;
  readonly config: ActuationConfig;
  readonly metrics: Pick<NodesMetrics, 'scaledUp' | 'unregisteredRemoved' | 'creationFailed'>;
  readonly logger: Logger;
  /** Groups as the loop got them. */
  readonly groupOf: (id: string) => NodeGroup | undefined;
  /** A group was enlarged. */
  readonly onScaled: (group: string, direction: 'up') => void;
  /** Deletions have begun; whether the groups of their nodes shrink by it comes out later. */
  readonly onDeletions: () => void;
}

const done: EffectResult = { ok: true };

export function createEffects(options: EffectsOptions): Effects {
  const { provider, actuator, metrics, logger, onScaled, onDeletions } = options;
  /** Calls to the cloud pass the same fence as those to the API server. */
  const call = async (group: string, what: string, send: () => Promise<ProviderResult>): Promise<EffectResult> => {
    let result: EffectResult;
    try {
      options.fence.check({ method: 'POST', path: `/${provider.name}/groups/${group}/${what}` });
      result = await send();
    } catch (error) {
      result = fencedResult(error);
    }
    if (!result.ok) logger.warn('a node group could not be changed', { group, what, failure: failureText(result.failure) });
    return result;
  };
  const increase = async (group: string, delta: number): Promise<EffectResult> => {
    const result = await call(group, 'size', () => provider.increaseSize(group, delta));
    if (!result.ok) return result;
    logger.info('a node group grows', { group, nodes: delta });
    metrics.scaledUp(delta, gpuSeriesOf(options.groupOf(group)?.template?.node, provider.gpuLabel));
    onScaled(group, 'up');
    return result;
  };
  const deleteInstances = async ({
    group,
    instances,
    forced,
    why,
  }: Extract<Effect, { type: 'delete-instances' }>): Promise<EffectResult> => {
    const result = await call(group, 'instances', () => provider.deleteInstances(group, instances, { forced }));
    if (!result.ok) return result;
    logger.info('instances without a node were given back', { group, instances, why });
    if (why === 'unregistered') metrics.unregisteredRemoved(instances.length);
    else {
      const known = new Map(options.groupOf(group)?.instances.map(({ id, failure }) => [id, failure?.code]));
      for (const id of instances) metrics.creationFailed(known.get(id) ?? 'unknown');
    }
    return result;
  };
  const startDeletion = async (nodes: Extract<Effect, { type: 'start-deletion' }>['nodes']): Promise<EffectResult> => {
    const result = await actuator.start(nodes);
    if (result.ok) onDeletions();
    return result;
  };
  return {
    carryOut: (effect) => {
      switch (effect.type) {
        case 'increase-size':
          return increase(effect.group, effect.delta);
        case 'decrease-target-size':
          return call(effect.group, 'size', () => provider.decreaseTargetSize(effect.group, effect.delta));
        case 'delete-instances':
          return deleteInstances(effect);
        case 'start-deletion':
          return startDeletion(effect.nodes);
        case 'soft-taint':
          return softTaint(effect, options);
        case 'clean-taints':
          return cleanTaints(effect.nodes, options);
      }
    },
  };
}

/** Removals first; what there is no time for comes in a later loop. One that fails is tried again then, so it is no failure of the loop. */
async function softTaint(
  { add, remove }: Extract<Effect, { type: 'soft-taint' }>,
  { client, clock, config, logger }: EffectsOptions,
): Promise<EffectResult> {
  const until = clock.monotonic() + config.maxBulkSoftTaintMs;
  const change = async (name: string, taint: Parameters<typeof changeNode>[2]): Promise<boolean> => {
    if (clock.monotonic() >= until) return false;
    const written = await changeNode(client, name, taint);
    if (!written.ok && !written.fenced)
      logger.warn('the soft taint of a node could not be changed', { node: name, error: written.message });
    return written.ok || !written.fenced;
  };
  for (const name of remove) if (!(await change(name, { remove: [candidateTaintKey] }))) return done;
  for (const name of add) if (!(await change(name, { add: [deletionCandidate(clock.now())] }))) return done;
  return done;
}

async function cleanTaints(
  nodes: Extract<Effect, { type: 'clean-taints' }>['nodes'],
  { client, config, logger }: EffectsOptions,
): Promise<EffectResult> {
  const outcomes = await atMost(config.taintsAtOnce, nodes, async ({ node, taints, uncordon }): Promise<NodeWrite> => {
    const written = await changeNode(client, node, { remove: taints, ...(uncordon ? { unschedulable: false } : {}) });
    if (written.ok) logger.info('taints of an earlier run were removed', { node, taints });
    else if (!written.fenced) logger.warn('taints of an earlier run could not be removed', { node, error: written.message });
    return written;
  });
  const problem = outcomes.find((outcome) => !outcome.ok);
  if (problem === undefined || problem.ok) return done;
  return { ok: false, failure: { class: 'other', code: 'TaintFailed', message: problem.message } };
}
