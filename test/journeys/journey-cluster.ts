import type { KubeClient } from '../../core/kube/api.ts';
import type { KubeObject } from '../../core/model/object.ts';

/** One write of a scale, as the cluster's own audit recorded it. */
export interface ScaleWrite {
  /** Epoch milliseconds of the cluster's clock. */
  readonly at: number;
  readonly user: string;
  readonly userAgent: string;
  readonly name: string;
  readonly replicas: number;
}

/** A running copy of the program. */
export interface RunningController {
  /** Identity in the Lease and in the User-Agent. */
  readonly identity: string;
  /** Ends it as SIGTERM does: releases the lease. */
  stop(): Promise<void>;
}

/** Faults of the metrics API that a journey can switch on. */
export type MetricsFault = 'none' | 'unavailable' | 'empty';

/**
 * What a journey needs of a cluster. The same journeys run on the embedded cluster in virtual time (real cooldowns of 3 and 5 minutes) and on the real
 * control plane (short ones by flag).
 */
export interface JourneyCluster {
  readonly name: string;
  /** As an administrator. */
  readonly client: KubeClient;
  /** Durations in milliseconds of the cluster's clock. */
  readonly timing: {
    readonly scaleUpCooldown: number;
    readonly scaleDownCooldown: number;
    /** By then a change of load has come through metrics and a sync into a decision: poll + resolution + sync, with slack. */
    readonly reaction: number;
  };
  now(): number;
  /** Lets `ms` of the cluster's time pass. */
  elapse(ms: number): Promise<void>;
  /** Lets time pass until the condition holds; answers false after `limitMs`. */
  until(condition: () => Promise<boolean>, limitMs: number): Promise<boolean>;
  /** A namespace of its own for one journey. */
  namespace(): Promise<string>;
  /** Load of a Deployment, in CPU milli-cores of demand over all its pods. */
  setLoad(namespace: string, name: string, totalMilliCores: number): void;
  setMetricsFault(fault: MetricsFault): void;
  startController(): Promise<RunningController>;
  scaleWrites(namespace: string): Promise<readonly ScaleWrite[]>;
}

/** A Deployment whose pods ask for 100m CPU each. */
export function deployment(namespace: string, replicas: number): KubeObject {
  const labels = { app: 'web' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'web', image: 'web:1', resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
        },
      },
    },
  };
}

/** A policy for that Deployment at 50 % CPU; `spec` overrides fields. Cooldowns come from the controller's flags. */
export function policy(namespace: string, spec: Readonly<Record<string, unknown>> = {}): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'HorizontalPolicy',
    metadata: { name: 'web', namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 20,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      // Windows short of the cooldowns, so that what is seen is the cooldown's doing and not a stabilization window's.
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
      ...spec,
    },
  };
}
