import { createHash } from 'node:crypto';

export const group = 'external.metrics.k8s.io';
export const version = 'v1beta1';
export const groupVersion = `${group}/${version}`;

const apiGroup = {
  name: group,
  versions: [{ groupVersion, version }],
  preferredVersion: { groupVersion, version },
};

/** What an aggregated API answers of itself, by path; the shapes are those of the API server. */
export function discoveryAnswer(path: string, metricNames: () => readonly string[]): object | undefined {
  switch (path) {
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroup] };
    case `/apis/${group}`:
      return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup };
    case `/apis/${groupVersion}`:
      return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resourcesOf(metricNames()) };
    case '/openapi/v2':
      return { swagger: '2.0', info, paths: {} };
    case '/openapi/v3':
      return { paths: { [`apis/${groupVersion}`]: { serverRelativeURL: `/openapi/v3/apis/${groupVersion}?hash=${openapiHash}` } } };
    case `/openapi/v3/apis/${groupVersion}`:
      return openapi;
    default:
      return undefined;
  }
}

function resourcesOf(names: readonly string[]): readonly object[] {
  return [...new Set(names)]
    .toSorted()
    .map((name) => ({ name, singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] }));
}

const info = { title: 'Concertina external metrics', version };
// Describes no paths: metrics come and go, and clients know the group's types. The API server only wants a document.
const openapi = { openapi: '3.0.0', info, paths: {} };
const openapiHash = createHash('sha256').update(JSON.stringify(openapi)).digest('hex').toUpperCase();
