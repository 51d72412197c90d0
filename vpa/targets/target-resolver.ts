import type { KubeClient } from '../../core/kube/api.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { ObjectReference } from '../../core/model/object.ts';
import type { OwnerRecord } from '../../core/model/pod.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { messageOf } from '../../core/errors.ts';
import type { SizingPolicy } from '../model.ts';
import type { TargetResolution, TargetResolver, TopmostController, WorkloadFacts } from '../ports.ts';
import { controllingPolicy } from './controlling-policy.ts';
import { createScaleCache, type ScaleCache } from './scale-cache.ts';
import { createScaleLookup, shown } from './scale-lookup.ts';
import { scaledFacts, selectsAtRandom, wellKnownKindOf, workloadFacts, type WellKnownKind } from './target-workload.ts';
import { createWorkloadMirrors, type WorkloadMirrors, type WorkloadSources } from './workload-mirrors.ts';

export interface TargetResolverOptions {
  /** Reads discovery and scales; never writes. */
  readonly client: KubeClient;
  readonly workloads: WorkloadSources;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Scales that are remembered; default 10 000. */
  readonly maxScales?: number | undefined;
}

/** A {@link TargetResolver} that can be ended. */
export interface RunningTargetResolver extends TargetResolver {
  /** Ends subscriptions and asks for nothing more; who waits gets `pending`. */
  close(): void;
}

/** A controller as an owner reference or a targetRef names it. */
type Named = Pick<OwnerRecord, 'apiVersion' | 'kind' | 'name'>;

/** What is known of a controller on the way up. */
type Step =
  | { readonly state: 'known'; readonly owner: OwnerRecord | undefined }
  | { readonly state: 'pending' }
  /** It cannot be scaled: the walk ends below it. */
  | { readonly state: 'end' }
  | { readonly state: 'failed'; readonly message: string };

interface Context {
  readonly mirrors: WorkloadMirrors;
  readonly scales: ScaleCache;
}

/** Who waits for a look-up asks again after this at the latest: a mirror that becomes complete tells nobody. */
const askAgainMs = 250;

export function createTargetResolver(options: TargetResolverOptions): RunningTargetResolver {
  const { client, workloads, clock, random, logger, maxScales } = options;
  const handlers = new Set<() => void>();
  let closed = false;
  const notify = (): void => {
    for (const handler of handlers) {
      try {
        handler();
      } catch (error) {
        logger.warn('a listener for resolved targets threw', { error: messageOf(error) });
      }
    }
  };
  const look = createScaleLookup({ client, clock });
  const context: Context = {
    mirrors: createWorkloadMirrors({ workloads, clock, onArrived: notify }),
    scales: createScaleCache({ look, clock, random, onLooked: notify, maxEntries: maxScales }),
  };
  const resolve = (policy: SizingPolicy): TargetResolution => resolveTarget(context, policy);
  const topmost = (namespace: string, owner: OwnerRecord | undefined): TopmostController => walkUp(context, namespace, owner);

  /** Until something has been resolved, at most {@link askAgainMs}. */
  const change = (signal: AbortSignal): Promise<void> =>
    new Promise((done) => {
      const settle = (): void => {
        handlers.delete(settle);
        signal.removeEventListener('abort', settle);
        timer.cancel();
        done();
      };
      const timer = clock.setTimeout(settle, askAgainMs);
      handlers.add(settle);
      signal.addEventListener('abort', settle, { once: true });
    });

  return {
    resolve,
    topmost,
    topmostOf: async (namespace, owner, signal) => {
      for (;;) {
        const found = topmost(namespace, owner);
        if (found.state !== 'pending' || signal.aborted || closed) return found;
        await change(signal);
      }
    },
    workload: (namespace, owner) => factsOf(context, namespace, owner),
    controlling: controllingPolicy(resolve),
    onResolved: (handler) => {
      // A function of its own: the same handler may be given twice.
      const own = (): void => handler();
      handlers.add(own);
      return () => {
        handlers.delete(own);
      };
    },
    close: () => {
      closed = true;
      context.mirrors.close();
      context.scales.close();
      notify();
      handlers.clear();
    },
  };
}

function isNode({ apiVersion, kind }: Named): boolean {
  return kind === 'Node' && !apiVersion.includes('/');
}

function stepAt({ mirrors, scales }: Context, namespace: string, at: Named): Step {
  const kind = wellKnownKindOf(at);
  if (kind !== undefined) {
    const found = mirrors.find(kind, `${namespace}/${at.name}`);
    if (found.state === 'known') return { state: 'known', owner: found.workload.owner };
    if (found.state === 'pending') return found;
    return { state: 'failed', message: `${kind} ${namespace}/${shown(at.name)} does not exist any more; delete what it has left behind` };
  }
  const { apiVersion, name } = at;
  const answer = scales.get({ apiVersion, kind: at.kind, namespace, name });
  if (answer === undefined) return { state: 'pending' };
  if (answer.state === 'scalable') return { state: 'known', owner: answer.owner };
  return answer.state === 'absent' ? { state: 'end' } : answer;
}

function walkUp(context: Context, namespace: string, owner: OwnerRecord | undefined): TopmostController {
  let topmost: OwnerRecord | undefined;
  const visited = new Set<string>();
  for (let at = owner; at !== undefined && !isNode(at);) {
    const name = `${at.apiVersion}\n${at.kind}\n${at.name}`;
    if (visited.has(name)) {
      return {
        state: 'failed',
        message: `the owners of ${at.kind} ${namespace}/${shown(at.name)} form a circle; remove one of their ownerReferences`,
      };
    }
    visited.add(name);
    const step = stepAt(context, namespace, at);
    if (step.state === 'end') break;
    if (step.state !== 'known') return step;
    topmost = at;
    at = step.owner;
  }
  return topmost === undefined ? { state: 'none' } : { state: 'known', owner: topmost };
}

function resolveTarget(context: Context, { target, reference }: SizingPolicy): TargetResolution {
  if (target === undefined) {
    return { state: 'unsupported', message: 'spec.targetRef is missing: name the kind and name of the workload to size' };
  }
  const namespace = reference.namespace ?? '';
  const kind = wellKnownKindOf(target);
  if (kind === undefined) return resolveScale(context, namespace, target);
  const found = context.mirrors.find(kind, `${namespace}/${target.name}`);
  if (found.state === 'pending') return found;
  const object = `${kind} ${namespace}/${shown(target.name)}`;
  if (found.state === 'absent') {
    return { state: 'unsupported', message: `spec.targetRef names ${object}, which does not exist; create it or correct the name` };
  }
  const { workload } = found;
  const below = childOf(context, { namespace, object, owner: workload.owner });
  if (below !== undefined) return below;
  if (selectsAtRandom(workload.selector)) return { state: 'unsupported', message: withoutSelector(kind, object) };
  return { state: 'known', selector: workload.selector, workload: workloadFacts(kind, namespace, target.name, workload) };
}

function withoutSelector(kind: WellKnownKind, object: string): string {
  return kind === 'CronJob'
    ? `${object} gives its pods no labels to tell them by; add one in spec.jobTemplate.spec.template.metadata.labels`
    : `${object} has no selector to tell its pods by; give it one`;
}

/** Why an object with this owner is not to be named by a policy; `undefined`: it is the topmost one. */
function childOf(
  context: Context,
  { namespace, object, owner }: { readonly namespace: string; readonly object: string; readonly owner: OwnerRecord | undefined },
): TargetResolution | undefined {
  const parent = walkUp(context, namespace, owner);
  switch (parent.state) {
    case 'none':
      return undefined;
    case 'pending':
      return parent;
    case 'failed':
      return { state: 'unsupported', message: `what controls ${object} is not known: ${parent.message}` };
    case 'known': {
      const { apiVersion, kind, name } = parent.owner;
      const top = `${shown(kind)} ${namespace}/${shown(name)}`;
      return {
        state: 'unsupported',
        message: `spec.targetRef names ${object}, which is controlled by ${top}; name the topmost controller instead: kind ${shown(kind)}, apiVersion ${shown(apiVersion)}, name ${shown(name)}`,
      };
    }
  }
}

function resolveScale(context: Context, namespace: string, target: ObjectReference): TargetResolution {
  const { apiVersion, kind, name } = target;
  const object = `${shown(kind)} ${namespace}/${shown(name)}`;
  if (apiVersion === '') {
    return { state: 'unsupported', message: `spec.targetRef names ${object} without apiVersion; add it, like argoproj.io/v1alpha1` };
  }
  const answer = context.scales.get({ apiVersion, kind, namespace, name });
  if (answer === undefined) return { state: 'pending' };
  if (answer.state !== 'scalable') return { state: 'unsupported', message: `spec.targetRef: ${answer.message}` };
  const below = childOf(context, { namespace, object, owner: answer.owner });
  if (below !== undefined) return below;
  const { selector } = answer;
  if (selector === undefined || selectsAtRandom(selector)) {
    return {
      state: 'unsupported',
      message: `the scale of ${object} has no selector to tell its pods by; its CRD needs labelSelectorPath and its controller must fill it`,
    };
  }
  return { state: 'known', selector, workload: scaledFacts({ ...target, namespace }, { ...answer, selector }) };
}

function factsOf({ mirrors, scales }: Context, namespace: string, owner: Named): WorkloadFacts | undefined {
  const { apiVersion, kind, name } = owner;
  const known = wellKnownKindOf(owner);
  if (known !== undefined) {
    const found = mirrors.find(known, `${namespace}/${name}`);
    return found.state === 'known' ? workloadFacts(known, namespace, name, found.workload) : undefined;
  }
  const answer = scales.peek({ apiVersion, kind, namespace, name });
  if (answer?.state !== 'scalable' || answer.selector === undefined) return undefined;
  return scaledFacts({ apiVersion, kind, namespace, name }, { ...answer, selector: answer.selector });
}
