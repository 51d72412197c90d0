import { foreign } from '../doctor/foreign-text.ts';
import { intentsFrom, tellsNodes } from '../intents-from.ts';
import { lookAtNodes } from '../nodes-look.ts';
import { outlookFrom, readingOf, type Adopted } from '../recommend-from.ts';
import type { DecisionSettings } from '../settings.ts';
import { explainNode, explainPod, explainPoolPolicy, type ExplainNodesOptions } from './explain-nodes.ts';
import type { Wanted } from './find-subject.ts';
import type { NodesExplanation } from './nodes-explanation.ts';
import { nodePoolNotes, type Snapshot } from './obtain-snapshot.ts';

const kinds: ReadonlySet<string> = new Set(['pod', 'node', 'nodepoolpolicy']);

/** Whether it is the node controller that has something to say of it. */
export function isNodesSubject({ kind }: Wanted): boolean {
  return kind !== undefined && kinds.has(kind);
}

export type NodesFound =
  | { readonly ok: true; readonly explanation: NodesExplanation }
  | { readonly ok: false; readonly why: 'ambiguous' | 'missing'; readonly problem: string };

/** What there is to say of a pod, a node or a policy of node groups. */
export function explainNodesSubject(
  snapshot: Snapshot,
  settings: DecisionSettings,
  { wanted, namespace, adopt }: { readonly wanted: Wanted; readonly namespace: string | undefined; readonly adopt?: Adopted | undefined },
): NodesFound {
  const reading = readingOf(snapshot, settings, adopt === undefined ? {} : { adopt });
  const { horizontal } = outlookFrom(snapshot, settings, reading);
  const look = lookAtNodes(snapshot, settings, { reading, intents: intentsFrom(horizontal, snapshot, reading) });
  if (look === undefined) {
    const problem =
      snapshot.nodePools?.problem ??
      'which node groups there are is not known: give --cloud-provider and --nodes or --node-group-auto-discovery, as run has them';
    return { ok: false, why: 'missing', problem };
  }
  const options: ExplainNodesOptions = {
    look,
    reading,
    notes: [
      ...nodePoolNotes(snapshot),
      ...usageNotes(
        snapshot,
        horizontal.some(({ raw }) => tellsNodes(raw, reading.adopt)),
      ),
      ...look.unknown,
      ...memoryNotes(snapshot),
    ],
  };
  if (wanted.kind === 'pod') return podNamed(wanted, namespace, options);
  if (wanted.kind === 'node') {
    const node = reading.pods.node(wanted.name);
    return node === undefined ? missing(wanted) : { ok: true, explanation: explainNode(node, options) };
  }
  const explanation = explainPoolPolicy(wanted.name, options);
  return explanation === undefined ? missing(wanted) : { ok: true, explanation };
}

function podNamed(wanted: Wanted, namespace: string | undefined, options: ExplainNodesOptions): NodesFound {
  const found = options.reading.pods.pods.filter(
    (pod) => pod.name === wanted.name && (namespace === undefined || pod.namespace === namespace),
  );
  const [pod, other] = found;
  if (pod === undefined) return missing(wanted);
  if (other !== undefined) {
    const places = found.map((each) => each.namespace).toSorted();
    return {
      ok: false,
      why: 'ambiguous',
      problem: `"${wanted.text}" is in ${places.length} namespaces (${places.slice(0, 5).join(', ')}); name one with --namespace`,
    };
  }
  return { ok: true, explanation: explainPod(pod, options) };
}

function missing({ text }: Wanted): NodesFound {
  return { ok: false, why: 'missing', problem: `there is no "${foreign(text, 160)}"` };
}

/** Without usage nobody knows what horizontal policies want. */
function usageNotes({ metrics: { source } }: Snapshot, looksAhead: boolean): string[] {
  if (source.healthy || !looksAhead) return [];
  return [`usage is unknown (${foreign(source.detail, 400)}): horizontal policies may be about to want more pods than are counted here`];
}

/** A look from outside does not know what the running program has learnt since its last write. */
function memoryNotes({ nodePools }: Snapshot): string[] {
  return nodePools?.memory === undefined
    ? [
        'what the running controller remembers (unneeded times, backoffs, cooldowns) was not found: times count from the soft taints of nodes and the status of policies',
      ]
    : [];
}
