import type { KubeClient } from '../../core/kube/api.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { eventually } from './until.ts';

/** A namespace in which pods can be created: they are refused until it has its ServiceAccount. */
export async function createNamespace(client: KubeClient, name: string): Promise<void> {
  await client.create(resourceTypes.namespaces, { metadata: { name } });
  await eventually(
    `${name} has its ServiceAccount`,
    async () => (await client.list(resourceTypes.serviceAccounts, { namespace: name })).items.length > 0,
  );
}
