import type { KubeClient, RequestOptions } from '../../../core/kube/api.ts';
import { isNotFound } from '../../../core/kube/status-error.ts';
import { resourceTypes, type KubeObject, type ObjectReference } from '../../../core/model/object.ts';
import { planRegistration, type RegistrationAction } from '../engine/webhook-object.ts';

/** Keeps the MutatingWebhookConfiguration as it should be. Only ever patched: between a delete and a create pods would pass by. */
export interface Registrar {
  readonly reference: ObjectReference;
  read(options?: RequestOptions): Promise<KubeObject | undefined>;
  /** Compares and, where it is not as wanted, creates or patches; answers what was done and the object as it is now. */
  keep(
    wanted: KubeObject,
    options?: RequestOptions,
  ): Promise<{ readonly action: RegistrationAction; readonly object: KubeObject | undefined }>;
}

export interface RegistrarOptions {
  readonly client: Pick<KubeClient, 'get'>;
  /** Fenced: only the leader's writes pass. */
  readonly leaderClient: Pick<KubeClient, 'create' | 'patch'>;
  readonly name: string;
}

const type = resourceTypes.mutatingWebhookConfigurations;

export function createRegistrar({ client, leaderClient, name }: RegistrarOptions): Registrar {
  const read = async (options?: RequestOptions): Promise<KubeObject | undefined> => {
    try {
      return await client.get(type, { name }, options);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    reference: { apiVersion: 'admissionregistration.k8s.io/v1', kind: type.kind, name },
    read,
    keep: async (wanted, options) => {
      const before = await read(options);
      const action = planRegistration(before, wanted);
      switch (action.action) {
        case 'none':
          return { action, object: before };
        case 'create':
          return { action, object: await leaderClient.create(type, action.object, options) };
        case 'patch':
          return { action, object: await leaderClient.patch(type, { name }, { type: 'merge', body: action.body }, options) };
      }
    },
  };
}

/** Takes the webhook away, when the program is uninstalled; fine when there is none. */
export async function removeRegistration(client: Pick<KubeClient, 'delete'>, name: string): Promise<void> {
  try {
    await client.delete(type, { name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
