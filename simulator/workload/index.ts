export { erlangC, latencyOf } from './latency.ts';
export type { Latency, LatencyInput, LatencyModel } from './latency.ts';
export {
  cappedIntegral,
  clip,
  constant,
  integral,
  leak,
  maximum,
  modulate,
  periodic,
  points,
  ramp,
  scale,
  shift,
  steps,
  sum,
} from './load-series.ts';
export type { Interpolation, LoadPoint, LoadSeries, Piece } from './load-series.ts';
export { batch, diurnal, flashCrowd, jitter, noise, onOff } from './load-shapes.ts';
export type { DiurnalOptions, NoiseOptions } from './load-shapes.ts';
export { parseLoad } from './load-text.ts';
export type { LoadTextOptions } from './load-text.ts';
export type {
  ContainerUsage,
  MemoryDefinition,
  PodIdentity,
  WorkloadDefinition,
  WorkloadModel,
  WorkloadModelOptions,
  WorkloadResults,
} from './types.ts';
export { cpuAnnotation, createWorkloadModel, memoryAnnotation } from './workload-model.ts';
export { createWorkloadAnnotations, loadAnnotation } from './workload-annotations.ts';
export type { WorkloadAnnotations, WorkloadAnnotationsOptions } from './workload-annotations.ts';
