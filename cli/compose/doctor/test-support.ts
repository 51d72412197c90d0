import type { KubeObject } from '../../../core/model/object.ts';
import { createInterner } from '../../../core/model/interner.ts';
import { projectPod, type PodRecord } from '../../../core/model/pod.ts';
import { fromHpa, metricQueries, parsePolicy, type ScaleRead } from '../../../hpa/index.ts';
import type { Check } from './check.ts';
import type { PolicyFacts } from './policies.ts';
import type { Reading } from './reading.ts';

/** `OK name`, for comparing many lines at a glance. */
export function statusesOf(checks: readonly Check[]): string[] {
  return checks.map(({ status, check }) => `${status} ${check}`);
}

export function messageOf(checks: readonly Check[], check: string): string {
  return checks.find((each) => each.check === check)?.message ?? '';
}

export function read<T>(value: T): Reading<T> {
  return { ok: true, value };
}

export const absent: Reading<never> = { ok: false, kind: 'absent', message: 'not found (404)' };
export const forbidden: Reading<never> = { ok: false, kind: 'forbidden', message: 'forbidden (403)' };
export const failed: Reading<never> = { ok: false, kind: 'failed', message: 'was answered with 503' };

export interface PolicyInput {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
  readonly native?: boolean;
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Absent: the target is found. */
  readonly scale?: ScaleRead;
}

const deployments = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true };

export function foundScale(selector = 'app=web', type = deployments): ScaleRead {
  return { ok: true, type, scale: { resourceVersion: '1', specReplicas: 2, statusReplicas: 2, selector } };
}

/** A policy of Deployment `web` at 50 % CPU; `place` is `namespace/name`. */
export function policyFacts(
  place: string,
  { spec = {}, status, native = false, meta = {}, scale = foundScale() }: PolicyInput = {},
): PolicyFacts {
  const [namespace = '', name = ''] = place.split('/');
  const raw: KubeObject = {
    metadata: { namespace, name, generation: 1, ...meta },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  };
  const result = native ? fromHpa(raw) : parsePolicy(raw, { scaleUpMs: 0, scaleDownMs: 0 });
  return {
    raw,
    native,
    name: `${native ? 'HorizontalPodAutoscaler' : 'HorizontalPolicy'} ${place}`,
    namespace,
    result,
    scale: result.ok ? scale : undefined,
    queries: result.ok ? metricQueries(result.policy.spec.metrics, { namespace, selector: scale.ok ? scale.scale.selector : '' }) : [],
  };
}

export interface PodInput {
  readonly containers?: readonly object[];
  readonly initContainers?: readonly object[];
  readonly resources?: object;
  readonly phase?: string;
  /** Epoch milliseconds. */
  readonly started?: number;
  readonly node?: string;
}

/** A running pod labelled `app=web`; `place` is `namespace/name`. */
export function pod(
  place: string,
  { containers = [container('web')], phase = 'Running', started = 0, node = 'node-a', ...spec }: PodInput = {},
): PodRecord {
  const [namespace = '', name = ''] = place.split('/');
  const raw = {
    metadata: { namespace, name, labels: { app: 'web' } },
    spec: { nodeName: node, containers, ...spec },
    status: { phase, startTime: new Date(started).toISOString() },
  };
  return projectPod(raw, createInterner());
}

export function container(name: string, requests: Readonly<Record<string, string>> = { cpu: '100m', memory: '64Mi' }): object {
  return { name, image: 'i:1', resources: { requests } };
}
