import type { NodesScene, SceneGroup, SceneStart, StartNode, StartPod } from './nodes-scene.ts';
import { recordedCloud } from './nodes-recorded-cloud.ts';
import { recordedWorkload } from './nodes-recorded-workload.ts';
import type { NodesRecording, RecordedEvent, RecordedGroup } from './nodes-recording.ts';

/**
 * The scene of a recording: what was there, and what happened by itself, told apart from what the recorded autoscaler did and from what followed from
 * that. So another autoscaler, or the same one with other settings, can be put into it.
 */
export function sceneOf(recording: NodesRecording): NodesScene {
  const { input, loops } = recording;
  const { changes, graceOf } = recordedWorkload(recording);
  return {
    id: recording.id,
    end: loops.at(-1)?.t ?? 0,
    stepLead: input.worldSecondsBeforeLoop,
    groups: input.groups.map(groupOf),
    shapes: input.shapes,
    sets: input.sets,
    daemonSets: input.daemonSets ?? [],
    budgets: input.pdbs ?? [],
    start: startOf(input.initial),
    cloud: recordedCloud(recording),
    workload: changes,
    graceOf,
  };
}

function groupOf({ id, min, max, template, templatePods = [], nodeAllocatable, lateInstances = false }: RecordedGroup): SceneGroup {
  return { id, min, max, template, templatePods, nodeAllocatable, lateInstances };
}

function startOf(events: readonly RecordedEvent[]): SceneStart {
  const nodes: StartNode[] = [];
  const pods: StartPod[] = [];
  const replicas: Record<string, number> = {};
  for (const event of events) {
    if (event.e === 'node') {
      const { name, group, t, ready, since, taints = [], annotations = {} } = event;
      nodes.push({ name, group, created: t, ready, since, taints, annotations });
    } else if (event.e === 'pod') pods.push({ name: event.name, shape: event.shape, created: event.t, node: event.node });
    else if (event.e === 'replicas') replicas[event.set] = event.spec;
  }
  return { nodes, pods, replicas };
}
