import type { ApiRequest, ApiResponse } from '../types.ts';
import { jsonOf, text } from './responses.ts';

/** Answers a path that is neither a resource nor discovery; undefined: not one of these. */
export type ServedDocuments = (path: string, request: ApiRequest) => Promise<ApiResponse | undefined>;

/** The version that the embedded server stands for: the one its behaviour was compared with. */
export const servedVersion = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3',
  gitCommit: 'concertina-embedded',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'embedded',
} as const;

const healthPaths = ['/healthz', '/livez', '/readyz'];

export function fixedDocument(path: string): ApiResponse | undefined {
  if (path === '/version') return jsonOf(200, servedVersion);
  if (healthPaths.some((health) => path === health || path.startsWith(`${health}/`))) return text(200, 'ok');
  return undefined;
}
