/** Cluster API. */
export { createClusterApiProvider, type ClusterApiProviderOptions } from './provider.ts';
export { parseCapiDiscovery, type CapiDiscovery } from './engine/index.ts';
