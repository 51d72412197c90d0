export type { Delay, SimAnnotation } from './delay.ts';
export { createKubeletFleet } from './fleet.ts';
export { metricsPath, metricsPathAnnotation } from './node-object.ts';
export { serveKubelets } from './serve.ts';
export type { ServeKubeletsOptions } from './serve.ts';
export type {
  ContainerPoint,
  ContainerView,
  FleetOptions,
  KubeletFaults,
  KubeletFleet,
  KubeletFleetDependencies,
  NodeScrape,
  NodeSpec,
  PodPoint,
  PodView,
  StartupOptions,
  Taint,
} from './types.ts';
