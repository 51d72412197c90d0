import type { MetricsGroup } from './metrics-apis.ts';

/** A program that serves an API group of metrics, with what one must know about it. */
export interface KnownOwner {
  readonly program: string;
  /** What to watch out for when policies use what it serves; `undefined`: nothing. */
  readonly caution: string | undefined;
}

interface OwnerPattern extends KnownOwner {
  /** Of the name of the Service. */
  readonly service: RegExp;
  readonly groups: readonly MetricsGroup[];
}

const adapterCaution =
  'it answers NaN as 0 and stamps values with the time of the answer, so what is missing or old looks good: ask Prometheus directly through a MetricSource';

/** By the names that the usual charts give. */
const owners: readonly OwnerPattern[] = [
  { service: /^metrics-server$/, groups: ['metrics.k8s.io'], program: 'Metrics Server', caution: undefined },
  {
    service: /prometheus-adapter/,
    groups: ['metrics.k8s.io', 'custom.metrics.k8s.io', 'external.metrics.k8s.io'],
    program: 'prometheus-adapter',
    caution: adapterCaution,
  },
  {
    service: /^keda-/,
    groups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'],
    program: 'KEDA',
    caution: 'it serves the metrics of ScaledObjects and nothing else: an External metric of a policy must be one of those',
  },
  {
    service: /^datadog-/,
    groups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'],
    program: 'Datadog Cluster Agent',
    caution:
      'it serves only what HorizontalPodAutoscalers and DatadogMetric objects ask for: declare a DatadogMetric for the External metric of a policy',
  },
  {
    service: /stackdriver/,
    groups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'],
    program: 'Google Cloud Monitoring adapter',
    caution: undefined,
  },
  {
    service: /^kube-metrics-adapter$/,
    groups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'],
    program: 'Zalando kube-metrics-adapter',
    caution: undefined,
  },
  { service: /^metric-adapter$/, groups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'], program: 'Crane', caution: undefined },
  {
    service: /azure.*metrics.*adapter/,
    groups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'],
    program: 'Azure metrics adapter',
    caution: undefined,
  },
  { service: /cloudwatch/, groups: ['external.metrics.k8s.io'], program: 'CloudWatch adapter', caution: undefined },
];

/** Who stands behind a Service, `namespace/name`, by its name; `undefined` for one that is not known. */
export function knownOwner(group: MetricsGroup, service: string): KnownOwner | undefined {
  const name = service.split('/', 2)[1] ?? '';
  return owners.find((owner) => owner.groups.includes(group) && owner.service.test(name));
}
