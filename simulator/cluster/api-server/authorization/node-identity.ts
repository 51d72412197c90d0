import type { UserInfo } from '../types.ts';

const prefix = 'system:node:';

/** The node as which a kubelet acts: its name, `''` for one that can not be told; undefined for everybody who is no kubelet. */
export function nodeIdentity({ username, groups }: UserInfo): string | undefined {
  return username.startsWith(prefix) && groups.includes('system:nodes') ? username.slice(prefix.length) : undefined;
}
