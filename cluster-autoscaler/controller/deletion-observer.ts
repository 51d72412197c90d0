import type { Clock, NodeRecord, ScalingDirection } from '../../core/model/index.ts';
import type { LoopEvent } from '../engine/loop/model.ts';
import type { DeletionObserver } from './actuator.ts';
import { gpuSeriesOf } from './gpu-series.ts';
import type { LoopEvents } from './loop-events.ts';
import type { NodesMetrics } from './metrics.ts';

/** Tells events and metrics of nodes that go, in upstream's words (§15, §20). */
export function createDeletionObserver(options: {
  readonly events: LoopEvents;
  readonly metrics: Pick<NodesMetrics, 'scaledDown' | 'evicted' | 'activity'>;
  readonly clock: Clock;
  /** Label of the cloud that marks nodes with GPUs. */
  readonly gpuLabel: string;
  /** Node of a group's template. */
  readonly templateOf: (group: string) => NodeRecord | undefined;
  readonly onScaled: (group: string, direction: ScalingDirection) => void;
}): DeletionObserver {
  const { events, metrics, clock, gpuLabel, templateOf, onScaled } = options;
  const onNode = ({ name, uid }: NodeRecord, type: LoopEvent['type'], reason: string, message: string): void =>
    events.emit({ on: { kind: 'Node', name, uid }, type, reason, message });
  return {
    // The loop itself tells that it begins.
    marked: () => undefined,
    deleted: ({ group, kind, reason }, node) => {
      onNode(node, 'Normal', 'ScaleDown', 'nodes removed by cluster autoscaler');
      const message = kind === 'drain' ? `Scale-down: node ${node.name} removed with drain` : `Scale-down: empty node ${node.name} removed`;
      events.emit({ on: { kind: 'Status', name: '' }, type: 'Normal', reason: kind === 'drain' ? 'ScaleDown' : 'ScaleDownEmpty', message });
      metrics.scaledDown(reason, gpuSeriesOf(node, gpuLabel, templateOf(group)));
      metrics.activity('scaleDown', clock.now());
      onScaled(group, 'down');
    },
    failed: ({ kind }, node, message) => {
      const what = kind === 'drain' ? 'failed to drain and delete node' : 'failed to delete empty node';
      onNode(node, 'Warning', 'ScaleDownFailed', `${what}: ${message}`);
    },
    pod: (_, { namespace, name, uid }, what, message) => {
      const on = { kind: 'Pod', namespace, name, uid } as const;
      if (what === 'begun') events.emit({ on, type: 'Normal', reason: 'ScaleDown', message });
      else metrics.evicted(what === 'evicted' ? 'succeeded' : 'failed');
      if (what === 'failed') events.emit({ on, type: 'Warning', reason: 'ScaleDownFailed', message });
    },
  };
}
