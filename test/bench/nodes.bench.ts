import type { BenchRun } from './figure.ts';
import { printNodesHouse } from './nodes-house.ts';
import { scaleUpFigures } from './nodes-karpenter.ts';
import { latencyFigures } from './nodes-latency.ts';
import { scalingFigures, upstreamLoopFigures } from './nodes-loop.ts';
import { packingFigures } from './nodes-packing.ts';
import { scaleDownFigures } from './nodes-scale-down.ts';

/**
 * The node controller on the workloads of the upstream autoscaler and of Karpenter (specs/peers.md, parts 1 and 2), whole loops of growing clusters (their curve
 * is printed as a table), memory, blocks of the event loop, the way of a pod to the request for its node, and what the house's defaults come to against
 * upstream's. A wrong decision ends the bench. About twelve minutes.
 */
export const run: BenchRun = async () => [
  ...packingFigures(),
  ...(await upstreamLoopFigures()),
  ...(await scaleUpFigures()),
  ...scaleDownFigures(),
  ...(await scalingFigures()),
  ...(await latencyFigures()),
  ...printNodesHouse(),
];
