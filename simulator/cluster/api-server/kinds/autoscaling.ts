import type { KubeObject } from '../../../../core/model/object.ts';
import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { isJson, objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import { canonicalQuantity } from './quantities.ts';

const { required, invalid, notSupported } = fieldErrors;

const metricFields: Readonly<Record<string, string>> = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
};

/** autoscaling/v2 defaults: one replica at least, 80 % CPU without metrics, and the two behaviours filled up only when one is given. */
export function defaultHpa(object: KubeObject): void {
  const spec = (object.spec ??= {}) as Json;
  spec['minReplicas'] ??= 1;
  if (!Array.isArray(spec['metrics']) || spec['metrics'].length === 0) {
    spec['metrics'] = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }];
  }
  for (const metric of objectsOf(spec['metrics'])) canonicalTarget(metric);
  if (!isJson(spec['behavior'])) return;
  const behavior = spec['behavior'];
  const up = (behavior['scaleUp'] ??= {}) as Json;
  up['stabilizationWindowSeconds'] ??= 0;
  defaultRules(up, [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ]);
  const down = (behavior['scaleDown'] ??= {}) as Json;
  defaultRules(down, [{ type: 'Percent', value: 100, periodSeconds: 15 }]);
}

function defaultRules(rules: Json, policies: readonly Json[]): void {
  rules['selectPolicy'] ??= 'Max';
  if (!Array.isArray(rules['policies']) || rules['policies'].length === 0) rules['policies'] = policies;
}

function canonicalTarget(metric: Json): void {
  const source = metric[metricFields[String(metric['type'])] ?? ''];
  const target = isJson(source) && isJson(source['target']) ? source['target'] : undefined;
  if (target === undefined) return;
  for (const field of ['value', 'averageValue']) {
    const text = canonicalQuantity(target[field]);
    if (text !== undefined) target[field] = text;
  }
}

export function validateHpa(object: KubeObject): FieldError[] {
  const spec = objectOf(object.spec);
  const errors: FieldError[] = [];
  const max = Number(spec['maxReplicas'] ?? 0);
  const min = Number(spec['minReplicas'] ?? 1);
  if (max < 1) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  if (max < min) errors.push(invalid('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`'));
  errors.push(...validateMinimum(spec, min));
  const target = objectOf(spec['scaleTargetRef']);
  for (const field of ['kind', 'name']) {
    if (typeof target[field] !== 'string' || target[field] === '') errors.push(required(`spec.scaleTargetRef.${field}`));
  }
  for (const [at, metric] of objectsOf(spec['metrics']).entries()) errors.push(...validateMetric(metric, `spec.metrics[${at}]`));
  for (const side of ['scaleUp', 'scaleDown']) {
    const rules = objectOf(objectOf(spec['behavior'])[side]);
    errors.push(...validateRules(rules, `spec.behavior.${side}`));
  }
  return errors;
}

/** Scaling to zero is behind a gate that is off by default. */
function validateMinimum(spec: Json, min: number): FieldError[] {
  if (min >= 1) return [];
  return [invalid('spec.minReplicas', spec['minReplicas'], 'must be greater than or equal to 1')];
}

function validateMetric(metric: Json, path: string): FieldError[] {
  const type = textOf(metric['type']);
  const field = metricFields[type];
  if (type === '') return [required(`${path}.type`, 'must specify a metric source type')];
  if (field === undefined) return [notSupported(`${path}.type`, type, Object.keys(metricFields).sort())];
  const source = metric[field];
  if (!isJson(source)) return [required(`${path}.${field}`, `must populate information for the given metric source type`)];
  const target = objectOf(source['target']);
  const errors: FieldError[] = [];
  if (!['Utilization', 'Value', 'AverageValue'].includes(textOf(target['type']))) {
    errors.push(required(`${path}.${field}.target.type`, 'must be either Utilization, Value, or AverageValue'));
  }
  if (target['value'] === undefined && target['averageValue'] === undefined && target['averageUtilization'] === undefined) {
    errors.push(required(`${path}.${field}.target`, 'must set either a target raw value or a target utilization'));
  }
  const utilization = target['averageUtilization'];
  if (typeof utilization === 'number' && utilization < 1) {
    errors.push(invalid(`${path}.${field}.target.averageUtilization`, utilization, 'must be greater than 0'));
  }
  return errors;
}

function validateRules(rules: Json, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const window = rules['stabilizationWindowSeconds'];
  if (typeof window === 'number' && (window < 0 || window > 3600)) {
    errors.push(
      invalid(
        `${path}.stabilizationWindowSeconds`,
        window,
        window < 0 ? 'must be greater than or equal to zero' : 'must be less than or equal to 3600',
      ),
    );
  }
  const select = rules['selectPolicy'];
  if (select !== undefined && !['Max', 'Min', 'Disabled'].includes(textOf(select))) {
    errors.push(notSupported(`${path}.selectPolicy`, select, ['Disabled', 'Max', 'Min']));
  }
  for (const [at, policy] of objectsOf(rules['policies']).entries()) {
    const field = `${path}.policies[${at}]`;
    if (!['Pods', 'Percent'].includes(String(policy['type'])))
      errors.push(notSupported(`${field}.type`, policy['type'], ['Percent', 'Pods']));
    if (Number(policy['value'] ?? 0) <= 0) errors.push(invalid(`${field}.value`, policy['value'] ?? 0, 'must be greater than zero'));
    const period = Number(policy['periodSeconds'] ?? 0);
    if (period <= 0) errors.push(invalid(`${field}.periodSeconds`, period, 'must be greater than zero'));
    else if (period > 1800) errors.push(invalid(`${field}.periodSeconds`, period, 'must be less than or equal to 1800'));
  }
  return errors;
}

const v2 = 'autoscaling/v2';
const v1 = 'autoscaling/v1';
const annotation = { metrics: 'autoscaling.alpha.kubernetes.io/metrics', behavior: 'autoscaling.alpha.kubernetes.io/behavior' };

function isCpuUtilization(metric: Json): boolean {
  const resource = objectOf(metric['resource']);
  return metric['type'] === 'Resource' && resource['name'] === 'cpu' && objectOf(resource['target'])['averageUtilization'] !== undefined;
}

/** The v1 view: CPU utilization as a field, everything else in annotations, as the real conversion does. */
export function hpaToV1(object: KubeObject): KubeObject {
  const spec = objectOf(object.spec);
  const status = objectOf(object.status);
  const metrics = objectsOf(spec['metrics']);
  const cpu = metrics.find(isCpuUtilization);
  const rest = metrics.filter((metric) => metric !== cpu);
  const annotations: Record<string, string> = { ...object.metadata.annotations };
  if (rest.length > 0) annotations[annotation.metrics] = JSON.stringify(rest);
  if (spec['behavior'] !== undefined) annotations[annotation.behavior] = JSON.stringify(spec['behavior']);
  const target = objectOf(objectOf(cpu?.['resource'])['target'])['averageUtilization'];
  const current = objectsOf(status['currentMetrics']).find((metric) => objectOf(metric['resource'])['name'] === 'cpu');
  const currentUtilization = objectOf(objectOf(current?.['resource'])['current'])['averageUtilization'];
  return {
    ...object,
    apiVersion: v1,
    metadata: { ...object.metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: {
      scaleTargetRef: spec['scaleTargetRef'],
      minReplicas: spec['minReplicas'],
      maxReplicas: spec['maxReplicas'],
      ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }),
    },
    status: {
      ...(status['observedGeneration'] === undefined ? {} : { observedGeneration: status['observedGeneration'] }),
      ...(status['lastScaleTime'] === undefined ? {} : { lastScaleTime: status['lastScaleTime'] }),
      currentReplicas: status['currentReplicas'] ?? 0,
      desiredReplicas: status['desiredReplicas'] ?? 0,
      ...(currentUtilization === undefined ? {} : { currentCPUUtilizationPercentage: currentUtilization }),
    },
  };
}

export function hpaFromV1(object: KubeObject): KubeObject {
  const spec = objectOf(object.spec);
  const { [annotation.metrics]: rest, [annotation.behavior]: behavior, ...annotations } = object.metadata.annotations ?? {};
  const utilization = spec['targetCPUUtilizationPercentage'];
  const metrics: unknown[] = rest === undefined ? [] : (JSON.parse(rest) as unknown[]);
  if (utilization !== undefined) {
    metrics.push({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: utilization } } });
  }
  const { annotations: _, ...metadata } = object.metadata;
  return {
    ...object,
    apiVersion: v2,
    metadata: Object.keys(annotations).length === 0 ? { ...metadata, name: object.metadata.name } : { ...object.metadata, annotations },
    spec: {
      scaleTargetRef: spec['scaleTargetRef'],
      ...(spec['minReplicas'] === undefined ? {} : { minReplicas: spec['minReplicas'] }),
      maxReplicas: spec['maxReplicas'],
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(behavior === undefined ? {} : { behavior: JSON.parse(behavior) as unknown }),
    },
  };
}
