import { createHash } from 'node:crypto';
import { pathsOf } from './paths.ts';
import { definitionsOf } from './schemas.ts';
import type { OpenApiKind } from './schemas.ts';

export type { OpenApiKind } from './schemas.ts';

/**
 * `/openapi/v2` as JSON, for whoever asks for that. kubectl asks for protobuf only, and only when it computes a patch; there any other answer
 * (406, 404, JSON) makes it fall back to its own types (tried with 1.32). Everything else it takes from v3.
 */
export function openApiV2(kinds: readonly OpenApiKind[]): object {
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'embedded' },
    paths: pathsOf(kinds, 'v2'),
    definitions: definitionsOf(kinds, 'v2'),
  };
}

/** `/openapi/v3`: where the document of each group version is. The hash changes with the content, so that clients may cache for ever. */
export function openApiV3Index(kinds: readonly OpenApiKind[]): object {
  const groupVersions = new Map<string, { group: string; version: string }>();
  for (const { type } of kinds) groupVersions.set(documentPath(type.group, type.version), { group: type.group, version: type.version });
  const paths = [...groupVersions].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    paths: Object.fromEntries(
      paths.map(([path, { group, version }]) => {
        const hash = createHash('sha256')
          .update(JSON.stringify(ofVersion(kinds, group, version)))
          .digest('hex')
          .toUpperCase();
        return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
      }),
    ),
  };
}

/** `/openapi/v3/apis/<group>/<version>` (or `/openapi/v3/api/v1`). */
export function openApiV3(group: string, version: string, kinds: readonly OpenApiKind[]): object {
  const own = ofVersion(kinds, group, version);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'embedded' },
    paths: pathsOf(own, 'v3'),
    components: { schemas: definitionsOf(own, 'v3') },
  };
}

function ofVersion(kinds: readonly OpenApiKind[], group: string, version: string): OpenApiKind[] {
  return kinds.filter(({ type }) => type.group === group && type.version === version);
}

function documentPath(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}
