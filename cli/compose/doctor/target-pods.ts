import { isConcertinaError } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/index.ts';
import { createInterner } from '../../../core/model/interner.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import { projectPod, type PodRecord } from '../../../core/model/pod.ts';
import { matchesSelector, parseSelector, type Selector } from '../../../core/model/selector.ts';
import type { PolicyFacts } from './policies.ts';
import { readList, type Reading } from './reading.ts';

/** The pods of the cluster, and of the targets of policies. */
export interface TargetPods {
  readonly all: Reading<readonly PodRecord[]>;
  /** `undefined` when pods or the scale of the target cannot be read. */
  of(policy: PolicyFacts): readonly PodRecord[] | undefined;
}

export async function readTargetPods(client: KubeClient, namespace: string | undefined): Promise<TargetPods> {
  const list = await readList(client, resourceTypes.pods, namespace);
  if (!list.ok) return targetPods(list);
  const interner = createInterner();
  return targetPods({ ok: true, value: list.value.map((raw) => projectPod(raw, interner)) });
}

export function targetPods(all: Reading<readonly PodRecord[]>): TargetPods {
  const byNamespace = new Map<string, PodRecord[]>();
  for (const pod of all.ok ? all.value : []) {
    const list = byNamespace.get(pod.namespace);
    if (list === undefined) byNamespace.set(pod.namespace, [pod]);
    else list.push(pod);
  }
  return {
    all,
    of: ({ scale, namespace }) => {
      if (!all.ok || scale?.ok !== true) return undefined;
      const selector = selectorFrom(scale.scale.selector);
      if (selector === undefined) return undefined;
      return (byNamespace.get(namespace) ?? []).filter(({ labels }) => matchesSelector(selector, labels));
    },
  };
}

/** A scale without a selector, or with one that cannot be read, says nothing about pods. */
function selectorFrom(text: string): Selector | undefined {
  if (text === '') return undefined;
  try {
    return parseSelector(text);
  } catch (error) {
    if (isConcertinaError(error, 'SELECTOR_INVALID')) return undefined;
    throw error;
  }
}
