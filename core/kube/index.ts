/** How the suite talks to a Kubernetes API server: connections, a client, reflectors, leases, events. */
export * from './api.ts';
export { connectionFromDispatcher, type Connection, type RequestHeaders } from './connection.ts';
export { connectionFromKubeConfig, type KubeConfigConnection, type KubeConfigConnectionOptions } from './kubeconfig-connection.ts';
export { loadKubeConfig, type KubeConfigSource, type LoadedKubeConfig } from './kubeconfig.ts';
export { createKubeClient, type KubeClientOptions } from './client.ts';
export type { RequestOutcome, RetryNotice } from './pipeline.ts';
export { collectionPath, describePath, groupPath, objectPath, withQuery, type PathInfo } from './paths.ts';
export * from './status-error.ts';
export { createRateLimiter, type RateLimit, type RateLimiter } from './rate-limit.ts';
export { createBackoff, fullJitter, type Backoff, type BackoffOptions } from './backoff.ts';
export { allOf, closeableFence, dryRunFence, type CloseableFence } from './fence.ts';
export { createReflector } from './reflector.ts';
export { failureKinds, type FailureKind, type ReflectorFailure } from './reflector-failure.ts';
export type { Reflector, ReflectorOptions, ReflectorStats } from './reflector.ts';
export type { Delta, Indexer } from './reflector-store.ts';
export { createLeaseElector, type LeaseElector, type LeaseElectorOptions } from './lease-elector.ts';
export { createEventRecorder } from './event-recorder.ts';
export type { EventInput, EventRecorder, EventRecorderOptions, EventRecorderStats } from './event-recorder.ts';
