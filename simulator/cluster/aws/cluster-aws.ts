import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock, Random } from '../../../core/model/clock.ts';
import type { KubeletFleet } from '../kubelet/types.ts';
import { createAwsEndpoint } from './endpoint.ts';
import { createInstanceNodes, type InstanceNodes, type InstanceNodesOptions } from './instance-nodes.ts';
import type { AwsEndpoint, AwsEndpointOptions } from './types.ts';

/** An AWS whose instances are nodes of the cluster. */
export interface ClusterAwsOptions extends Omit<AwsEndpointOptions, 'clock' | 'random'> {
  /** What becomes of the instances; see {@link InstanceNodesOptions}. */
  readonly nodes?: Pick<InstanceNodesOptions, 'groups' | 'standard' | 'pods'>;
}

export interface ClusterAws {
  readonly endpoint: AwsEndpoint;
  readonly nodes: InstanceNodes;
  stop(): Promise<void>;
}

interface ClusterParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly fleet: KubeletFleet;
  readonly client: KubeClient;
  readonly onProblem: (subject: string, error: unknown) => void;
}

/** Starts the AWS of a cluster; resolves when the nodes of the instances that run from the start are registered. */
export async function startClusterAws(
  options: ClusterAwsOptions,
  { clock, random, fleet, client, onProblem }: ClusterParts,
): Promise<ClusterAws> {
  const { nodes: nodesOptions, ...endpointOptions } = options;
  const endpoint = createAwsEndpoint({ ...endpointOptions, clock, random });
  const nodes = createInstanceNodes({
    ...nodesOptions,
    aws: endpoint,
    fleet,
    client,
    clock,
    random,
    onProblem: (subject, error) => onProblem(`aws ${subject}`, error),
  });
  await nodes.start();
  return {
    endpoint,
    nodes,
    stop: async () => {
      nodes.stop();
      await endpoint.stop();
    },
  };
}
