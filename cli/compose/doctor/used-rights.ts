import { customMetricsSource, externalMetricsSource } from '../../../core/model/metric-query.ts';
import type { PolicyFacts } from './policies.ts';
import { runRights, type Right } from './rights-table.ts';

/** Metrics that are asked about by name; more would be a flood of reviews. */
const mostMetrics = 30;

/** What the program needs besides the table for the policies that there are: scales of other kinds, and metrics by their names. */
export function usedRights(policies: readonly PolicyFacts[]): readonly Right[] {
  const own = policies.filter(({ native }) => !native);
  const rights = new Map<string, Right>();
  const add = (right: Right): void => {
    rights.set(JSON.stringify([right.group, right.resource, right.where]), right);
  };
  for (const { scale, name } of own) {
    if (scale?.ok !== true) continue;
    const { group, plural } = scale.type;
    const resource = `${plural}/scale`;
    if (runRights.some((each) => each.group === group && each.resource === resource)) continue;
    add({ group, resource, verbs: ['get', 'patch'], where: 'cluster', need: 'always', purpose: `scaling the target of ${name}` });
  }
  for (const { queries, name } of own) {
    for (const query of queries) {
      const where = { namespace: query.namespace };
      if (query.kind === 'pods') {
        const purpose = `the Pods metric of ${name}`;
        add({ group: customMetricsSource, resource: `pods/${query.metric}`, verbs: ['get'], where, need: 'always', purpose });
      } else if (query.kind === 'external') {
        // The API server reads a path without an object's name as a list.
        const purpose = `the External metric of ${name}`;
        add({ group: externalMetricsSource, resource: query.metric, verbs: ['list'], where, need: 'always', purpose });
      }
      if (rights.size >= mostMetrics) return [...rights.values()];
    }
  }
  return [...rights.values()];
}
