import type { MetricSourceSpec } from '../metric-source-schema.ts';

/** A server that speaks Prometheus' protocol, as its usual charts and operators label its Service. */
export interface KnownServer {
  /** As its own documentation calls it. */
  readonly software: string;
  readonly type: MetricSourceSpec['type'];
  /** Labels that the Service has, all of them. */
  readonly labels: Readonly<Record<string, string>>;
  /** Names under which the chart publishes the port of the API, the best first. */
  readonly portNames: readonly string[];
  /** Number of that port, when none is named so. */
  readonly port: number;
  /** Path below which `/api/v1` lies; empty: at the root. */
  readonly path: string;
  /** What an administrator must know before the proposal works. */
  readonly notes?: readonly string[];
}

const web = ['http-web', 'web', 'http', 'https'];
const tenant = 'With multi-tenancy on, set spec.tenancy.tenant to the tenant that the cluster writes as.';

function prometheus(software: string, labels: Readonly<Record<string, string>>): KnownServer {
  return { software, type: 'Prometheus', labels, portNames: web, port: 9090, path: '' };
}

function thanos(labels: Readonly<Record<string, string>>): KnownServer {
  return { software: 'Thanos Query', type: 'Thanos', labels, portNames: ['http', 'web', 'https'], port: 9090, path: '' };
}

function victoria(software: string, labels: Readonly<Record<string, string>>): KnownServer {
  return { software, type: 'VictoriaMetrics', labels, portNames: ['http', 'web'], port: 8428, path: '' };
}

function vmselect(labels: Readonly<Record<string, string>>): KnownServer {
  return {
    software: 'VictoriaMetrics cluster (vmselect)',
    type: 'VictoriaMetrics',
    labels,
    portNames: ['http', 'web'],
    port: 8481,
    path: '/select/0/prometheus',
    notes: ['The 0 in the path is the account that is used unless another one is configured.'],
  };
}

function queryFrontend(software: string, labels: Readonly<Record<string, string>>): KnownServer {
  return { software, type: 'Mimir', labels, portNames: ['http-metrics', 'http'], port: 8080, path: '/prometheus', notes: [tenant] };
}

/**
 * The well-known labels (those that KRR looks for, and those of newer charts), the more telling before the more general: a Service is the first that it
 * fits. What sees the whole (Thanos, Mimir, VictoriaMetrics) is before a single Prometheus, because a cluster that has both sends its data there.
 */
export const knownServers: readonly KnownServer[] = [
  queryFrontend('Grafana Mimir', { 'app.kubernetes.io/name': 'mimir', 'app.kubernetes.io/component': 'query-frontend' }),
  queryFrontend('Cortex', { 'app.kubernetes.io/name': 'cortex', 'app.kubernetes.io/component': 'query-frontend' }),
  thanos({ 'app.kubernetes.io/name': 'thanos', 'app.kubernetes.io/component': 'query' }),
  thanos({ 'app.kubernetes.io/name': 'thanos-query' }),
  thanos({ app: 'thanos-query' }),
  thanos({ app: 'thanos-querier' }),
  vmselect({ 'app.kubernetes.io/name': 'vmselect' }),
  vmselect({ app: 'vmselect' }),
  victoria('VictoriaMetrics (vmsingle)', { 'app.kubernetes.io/name': 'vmsingle' }),
  victoria('VictoriaMetrics (single)', { 'app.kubernetes.io/name': 'victoria-metrics-single' }),
  prometheus('Prometheus (kube-prometheus-stack)', { app: 'kube-prometheus-stack-prometheus' }),
  prometheus('Prometheus (rancher-monitoring)', { app: 'rancher-monitoring-prometheus' }),
  prometheus('Prometheus (prometheus-operator chart)', { app: 'prometheus-operator-prometheus' }),
  prometheus('Prometheus (prometheus chart)', { app: 'prometheus', component: 'server' }),
  prometheus('Prometheus (prometheus chart)', { 'app.kubernetes.io/name': 'prometheus', 'app.kubernetes.io/component': 'server' }),
  prometheus('Prometheus (prometheus chart)', { app: 'prometheus-server' }),
  prometheus('Prometheus (prometheus chart)', { app: 'prometheus-prometheus' }),
  prometheus('Prometheus (kube-prometheus)', { 'app.kubernetes.io/name': 'prometheus', 'app.kubernetes.io/part-of': 'kube-prometheus' }),
  prometheus('Prometheus (prometheus-operator)', { 'operated-prometheus': 'true' }),
];
