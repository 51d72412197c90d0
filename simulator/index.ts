/** Everything that stands in for a cluster: the embedded cluster and the workload model. */
export * from './cluster/index.ts';
export * from './workload/index.ts';
export { playClosedLoop, type ClosedLoopOptions, type ClosedLoopPoint } from './backtest/closed-loop.ts';
