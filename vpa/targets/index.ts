export { createTargetResolver, type RunningTargetResolver, type TargetResolverOptions } from './target-resolver.ts';
export { projectTargetWorkload, unreadTargetFields, wellKnownKinds, type TargetWorkload, type WellKnownKind } from './target-workload.ts';
export type { WorkloadSources } from './workload-mirrors.ts';
