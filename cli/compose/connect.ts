import { hostname } from 'node:os';
import type { Argv } from 'yargs';
import { connectionFromKubeConfig, type KubeConfigConnection } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import { environmentVariable } from '../../core/runtime/environment.ts';

/** Flags of every command that talks to a cluster. */
export function declareConnection(args: Argv): Argv {
  return args
    .option('kubeconfig', { type: 'string', description: 'kubeconfig file ($KUBECONFIG, ~/.kube/config, in-cluster)', group: 'Cluster:' })
    .option('context', { type: 'string', description: 'context of the kubeconfig (its current one)', group: 'Cluster:' });
}

/** Loads the kubeconfig that the flags, the environment or the pod give. Sends nothing. */
export function connect(args: Readonly<Record<string, unknown>>, clock: Clock): Promise<KubeConfigConnection> {
  const text = (name: string): string | undefined => (typeof args[name] === 'string' ? args[name] : undefined);
  const names = ['KUBECONFIG', 'HOME', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'];
  const environment = Object.fromEntries(names.map((name) => [name, environmentVariable(name)]));
  return connectionFromKubeConfig({ file: text('kubeconfig'), context: text('context'), environment, clock });
}

/** Name of this copy: the pod's, else the host's with a random part, since two processes of one host must differ. */
export function processIdentity(random: Random): string {
  return (
    environmentVariable('POD_NAME') ??
    `${hostname()}-${Math.floor(random() * 36 ** 6)
      .toString(36)
      .padStart(6, '0')}`
  );
}

/** Where the Lease lives when no setting says so. */
export function defaultLeaseNamespace(connection: KubeConfigConnection): string {
  return environmentVariable('POD_NAMESPACE') ?? connection.namespace ?? 'default';
}
