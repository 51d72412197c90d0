/** A metrics adapter in process: custom and external metrics whose values tests and simulations set. */
export { createAdapterApi } from './adapter-api.ts';
export type {
  AdapterApi,
  AdapterApiOptions,
  AdapterFaults,
  AdapterGroup,
  AdapterGroupVersion,
  AdapterResource,
  AdapterValue,
  Amount,
  ExternalSeries,
  ObjectSeries,
  PodSeries,
  PodValue,
  SeriesOptions,
} from './types.ts';
