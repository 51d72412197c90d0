import { hostname } from 'node:os';
import type { Argv } from 'yargs';
import { connectionFromKubeConfig, type KubeConfigConnection } from '../../core/kube/index.ts';
import { ConcertinaError, isConcertinaError } from '../../core/errors.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import { environmentVariable } from '../../core/runtime/environment.ts';

/** Flags of every command that talks to a cluster. */
export function declareConnection(args: Argv): Argv {
  return args
    .option('kubeconfig', { type: 'string', description: 'kubeconfig file ($KUBECONFIG, ~/.kube/config, in-cluster)', group: 'Cluster:' })
    .option('context', { type: 'string', description: 'context of the kubeconfig (its current one)', group: 'Cluster:' });
}

/** Loads the kubeconfig that the flags, the environment or the pod give. Sends nothing. */
export async function connect(args: Readonly<Record<string, unknown>>, clock: Clock): Promise<KubeConfigConnection> {
  const text = (name: string): string | undefined => (typeof args[name] === 'string' ? args[name] : undefined);
  const names = ['KUBECONFIG', 'HOME', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'];
  const environment = Object.fromEntries(names.map((name) => [name, environmentVariable(name)]));
  try {
    return await connectionFromKubeConfig({ file: text('kubeconfig'), context: text('context'), environment, clock });
  } catch (error) {
    throw withFileRemedy(error);
  }
}

/** A file that a kubeconfig names is corrected in the kubeconfig, not by the flag. */
function withFileRemedy(error: unknown): unknown {
  if (!isConcertinaError(error, 'KUBECONFIG_INVALID') || error.details['origin'] === undefined) return error;
  const message = `${error.message}; correct the path in that kubeconfig or put the file there`;
  return new ConcertinaError('KUBECONFIG_INVALID', message, { cause: error.cause, details: error.details });
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
