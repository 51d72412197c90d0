import type { loopProgress } from '../../core/runtime/health.ts';
import type { HttpServer } from '../../core/runtime/http-server.ts';
import type { Mirrors } from './mirrors.ts';

/** What `/healthz` and `/readyz` look at. */
export function addChecks(
  server: HttpServer,
  deps: {
    readonly mirrors: Mirrors;
    readonly decides: { readonly hpa: boolean; readonly vpa: boolean };
    /** Why the webhook of this copy should get no requests. */
    readonly admission?: (() => string | undefined) | undefined;
    /** Why the node controller should be restarted. */
    readonly nodes?: { readonly controller: { health(): string | undefined } } | undefined;
    readonly isWorking: () => boolean;
    readonly progress: () => ReturnType<ReturnType<typeof loopProgress>['check']>;
  },
): void {
  // A copy that waits for the lease has no loop to be late with.
  server.addLiveness('loop', () =>
    deps.isWorking() && (deps.decides.hpa ? deps.mirrors.policies : deps.mirrors.pods).hasSynced() ? deps.progress() : undefined,
  );
  const synced = (name: string, mirror: { hasSynced(): boolean }): void =>
    server.addReadiness(name, () => (mirror.hasSynced() ? undefined : `${name} are not listed yet`));
  synced('pods', deps.mirrors.pods);
  if (deps.decides.hpa) synced('horizontalpolicies', deps.mirrors.policies);
  if (deps.mirrors.vertical !== undefined) synced('verticalpolicies', deps.mirrors.vertical.verticalPolicies);
  const { admission, nodes } = deps;
  if (nodes !== undefined) server.addLiveness('node-controller', () => nodes.controller.health());
  if (admission !== undefined) server.addReadiness('admission', () => admission());
}
