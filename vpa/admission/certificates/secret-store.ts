import type { KubeClient, RequestOptions } from '../../../core/kube/api.ts';
import { isNotFound } from '../../../core/kube/status-error.ts';
import { resourceTypes, type KubeObject, type ObjectReference } from '../../../core/model/object.ts';
import { secretContent, type CertificateState } from './material.ts';

/** The Secret that holds CA and certificate. */
export interface SecretStore {
  readonly reference: ObjectReference;
  read(options?: RequestOptions): Promise<KubeObject | undefined>;
  /** Stores a state over what was read; a conflict (409) when somebody wrote in between. */
  write(before: KubeObject | undefined, state: CertificateState, options?: RequestOptions): Promise<KubeObject>;
}

export interface SecretStoreOptions {
  readonly client: Pick<KubeClient, 'get'>;
  /** Fenced: only the leader's writes pass. */
  readonly leaderClient: Pick<KubeClient, 'create' | 'patch'>;
  readonly namespace: string;
  readonly name: string;
}

export function createSecretStore({ client, leaderClient, namespace, name }: SecretStoreOptions): SecretStore {
  const key = { namespace, name };
  return {
    reference: { apiVersion: 'v1', kind: 'Secret', namespace, name },
    read: async (options) => {
      try {
        return await client.get(resourceTypes.secrets, key, options);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    write: (before, state, options) => {
      const { data, annotations } = secretContent(state);
      if (before === undefined) {
        const object = {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace, name, labels: { 'app.kubernetes.io/managed-by': 'concertina' }, annotations: present(annotations) },
          type: 'kubernetes.io/tls',
          data: present(data),
        };
        return leaderClient.create(resourceTypes.secrets, object, options);
      }
      const { resourceVersion } = before.metadata;
      const body = { metadata: { ...(resourceVersion === undefined ? {} : { resourceVersion }), annotations }, data };
      return leaderClient.patch(resourceTypes.secrets, key, { type: 'merge', body }, options);
    },
  };
}

function present(map: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).filter((entry): entry is [string, string] => entry[1] !== null));
}
