/** Finds a Prometheus in a cluster by the labels of its Service, and proposes a MetricSource for it. Never uses it. */
export { findServers, type DeclaredSource, type FoundServer } from './find-servers.ts';
export { knownServers, type KnownServer } from './known-servers.ts';
export { namedService, type NamedService } from './named-service.ts';
export type { SourceProposal } from './propose-source.ts';
