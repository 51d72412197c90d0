import type { KubeObject, Taint } from '../../core/model/index.ts';
import type {
  RecordedDoings,
  RecordedGroup,
  RecordedInput,
  RecordedLoop,
  RecordedSizeCall,
} from '../../simulator/backtest/nodes-recording.ts';

/** The cases of `ca-trajectory.json`: a recording with all that only a comparison loop by loop reads. */
export interface TrajectoryInput extends RecordedInput {
  readonly groups: readonly GroupVector[];
}

export interface GroupVector extends RecordedGroup {
  readonly template: KubeObject & { readonly spec: { readonly taints?: readonly Taint[] }; readonly status: NodeStatusVector };
}

export interface NodeStatusVector {
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
}

export interface Expected extends RecordedDoings {
  readonly decreased?: readonly RecordedSizeCall[];
  readonly unneeded?: readonly string[];
  readonly unremovable?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, { readonly nodes: number; readonly pods: number; readonly similar?: readonly string[] }>>;
  readonly chosen?: readonly string[];
  readonly helped?: Readonly<Record<string, number>>;
  readonly scaleUpResult: readonly string[];
  readonly blocked?: Readonly<Record<string, string>>;
  readonly clusterUnhealthy?: boolean;
  readonly error?: unknown;
}

/** One loop of the recorded path. */
export interface LoopVector extends RecordedLoop {
  readonly expected: Expected;
}
