import { isJson } from '../json.ts';
import type { Json } from '../json.ts';

/** RFC 7386. Shares with the target whatever the patch does not touch; neither argument is altered. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJson(patch)) return patch;
  const result: Json = isJson(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}
