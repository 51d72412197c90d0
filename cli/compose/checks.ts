import type { loopProgress } from '../../core/runtime/health.ts';
import type { HttpServer } from '../../core/runtime/http-server.ts';
import type { Mirrors } from './mirrors.ts';

/** What `/healthz` and `/readyz` look at. */
export function addChecks(
  server: HttpServer,
  deps: {
    readonly mirrors: Mirrors;
    readonly decides: boolean;
    readonly isWorking: () => boolean;
    readonly progress: () => ReturnType<ReturnType<typeof loopProgress>['check']>;
  },
): void {
  // A copy that waits for the lease has no loop to be late with.
  server.addLiveness('loop', () =>
    deps.isWorking() && (deps.decides ? deps.mirrors.policies : deps.mirrors.pods).hasSynced() ? deps.progress() : undefined,
  );
  const synced = (name: string, mirror: { hasSynced(): boolean }): void =>
    server.addReadiness(name, () => (mirror.hasSynced() ? undefined : `${name} are not listed yet`));
  synced('pods', deps.mirrors.pods);
  if (deps.decides) synced('horizontalpolicies', deps.mirrors.policies);
}
