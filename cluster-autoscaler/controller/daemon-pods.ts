import { projectPod, type Interner, type KubeObject } from '../../core/model/index.ts';
import type { DaemonPod } from '../engine/model.ts';

interface RawDaemonSpec {
  readonly template?: {
    readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> } | null;
    readonly spec?: Readonly<Record<string, unknown>> | null;
  } | null;
}

/** What the DaemonSet controller lets every pod of a DaemonSet tolerate. */
const daemonTolerations = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
] as const;

const networkToleration = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' } as const;

/** The pod that a DaemonSet would put onto a new node. */
export function projectDaemonPod(raw: KubeObject, interner: Interner): DaemonPod {
  const { name, namespace = '', uid = '' } = raw.metadata;
  const { template } = (raw.spec ?? {}) as RawDaemonSpec;
  const spec = template?.spec ?? {};
  const { labels, annotations } = template?.metadata ?? {};
  const own = Array.isArray(spec['tolerations']) ? (spec['tolerations'] as readonly unknown[]) : [];
  const pod = projectPod(
    {
      metadata: {
        name: `${name}-pod`,
        namespace,
        uid: `daemon-pod-of-${uid}`,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid, controller: true }],
      },
      spec: { ...spec, tolerations: [...own, ...daemonTolerations, ...(spec['hostNetwork'] === true ? [networkToleration] : [])] },
      status: { phase: 'Running' },
    },
    interner,
  );
  return { owner: uid, pod };
}
