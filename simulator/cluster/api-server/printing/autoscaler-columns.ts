import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import type { ColumnPrinter } from './columns.ts';
import { ageColumn, nameColumn, numberOf, specOf, statusOf, text } from './columns.ts';

const shownMetrics = 2;

/** HPA columns. `autoscaling/v1` objects have their one CPU target in the spec itself. */
export const autoscalerColumns: readonly ColumnPrinter[] = [
  nameColumn,
  text('Reference', (object) => {
    const target = objectOf(specOf(object)['scaleTargetRef']);
    return `${textOf(target['kind'])}/${textOf(target['name'])}`;
  }),
  text('Targets', targets),
  text('MinPods', (object) =>
    typeof specOf(object)['minReplicas'] === 'number' ? String(numberOf(specOf(object)['minReplicas'])) : '<unset>',
  ),
  text('MaxPods', (object) => numberOf(specOf(object)['maxReplicas'])),
  text('Replicas', (object) => numberOf(statusOf(object)['currentReplicas'])),
  ageColumn,
];

function targets(object: KubeObject): string {
  const spec = specOf(object);
  const status = statusOf(object);
  if (typeof spec['targetCPUUtilizationPercentage'] === 'number') {
    return `cpu: ${percent(status['currentCPUUtilizationPercentage'])}/${percent(spec['targetCPUUtilizationPercentage'])}`;
  }
  const metrics = objectsOf(spec['metrics']);
  if (metrics.length === 0) return '<none>';
  // By position, and with failed metrics as empty entries: objectsOf would keep those too.
  const current = objectsOf(status['currentMetrics']);
  const list = metrics.map((metric, index) => metricText(metric, current[index] ?? {}));
  const more = list.length - shownMetrics;
  return list.slice(0, shownMetrics).join(', ') + (more > 0 ? ` + ${more} more...` : '');
}

const sources: Readonly<Record<string, string>> = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
};

function metricText(metric: Json, status: Json): string {
  const type = textOf(metric['type']);
  const field = sources[type];
  if (field === undefined) return '<unknown type>';
  const source = objectOf(metric[field]);
  const target = objectOf(source['target']);
  const current = objectOf(objectOf(status[field])['current']);
  if (type === 'Resource' || type === 'ContainerResource') {
    const name = textOf(source['name']);
    if (target['averageValue'] !== undefined) return `${name}: ${valueText(current['averageValue'])}/${valueText(target['averageValue'])}`;
    const wanted = target['averageUtilization'];
    return `${name}: ${percent(current['averageUtilization'])}/${typeof wanted === 'number' ? percent(wanted) : '<auto>'}`;
  }
  if (type === 'Pods') return `${valueText(current['averageValue'])}/${valueText(target['averageValue'])}`;
  if (target['averageValue'] !== undefined) return `${valueText(current['averageValue'])}/${valueText(target['averageValue'])} (avg)`;
  return `${valueText(current['value'])}/${valueText(target['value'])}`;
}

function percent(value: unknown): string {
  return typeof value === 'number' ? `${value}%` : '<unknown>';
}

function valueText(value: unknown): string {
  return typeof value === 'number' ? String(value) : textOf(value) || '<unknown>';
}
