import type { NodesRow, Pool } from './nodes-rows-support.ts';
import type { SeenNode } from './nodes-rows-seen.ts';
import type { SettingsInput, VirtualNodesCluster } from './nodes-virtual.ts';

/** A row of the embedded cluster alone. */
export interface OwnNodesRow extends Pick<NodesRow, 'id' | 'name' | 'groups'> {
  readonly settings?: SettingsInput;
  readonly run: (pool: Pool, cluster: VirtualNodesCluster) => Promise<void>;
}

export const second = 1_000;
export const minute = 60 * second;
export const deletionTaint = 'ToBeDeletedByClusterAutoscaler';

/** Two pods of this size do not fit on one m5.large, and one of it uses more than half of it. */
export const large = '1100m';

/** Messages of Events of a reason about the pods of a Deployment. */
export async function toldOf(pool: Pool, app: string, reason: string): Promise<readonly string[]> {
  const names = new Set((await pool.pods(app)).map(({ name }) => name));
  return (await pool.events()).filter((event) => names.has(event.name) && event.reason === reason).map(({ message }) => message);
}

/** A pod on one node that stays, and the other node. */
export async function anchoredPair(pool: Pool): Promise<{ readonly anchor: SeenNode; readonly free: SeenNode }> {
  await pool.deploy('anchor', { replicas: 1, cpu: large });
  await pool.runs('anchor', 1, minute);
  const [pod] = await pool.pods('anchor');
  const nodes = await pool.nodes();
  const [anchor, free] = [nodes.find(({ name }) => name === pod?.node), nodes.find(({ name }) => name !== pod?.node)];
  if (anchor === undefined || free === undefined) throw new Error(`there are ${nodes.length} nodes, not two`);
  return { anchor, free };
}

export async function nodeNamed(pool: Pool, name: string): Promise<SeenNode | undefined> {
  return (await pool.nodes()).find((node) => node.name === name);
}
