import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { parseMetricSource } from '../metric-source.ts';
import { findServers } from './find-servers.ts';
import { knownServers } from './known-servers.ts';

interface ServiceInput {
  readonly labels: Record<string, string>;
  readonly ports?: readonly object[];
  readonly spec?: object;
}

function service(place: string, { labels, ports = [{ name: 'web', port: 9090 }], spec = {} }: ServiceInput): KubeObject {
  const [namespace = '', name = ''] = place.split('/');
  return { metadata: { namespace, name, labels }, spec: { clusterIP: '10.0.0.1', type: 'ClusterIP', ports, ...spec } };
}

const urlOf = (services: readonly KubeObject[]): unknown[] =>
  findServers(services, []).map(({ proposal }) => (proposal.manifest.spec as { url: string }).url);

describe('findServers', () => {
  it('knows every server of the table by its labels, and what it proposes is valid', () => {
    for (const known of knownServers) {
      const [found, ...more] = findServers([service('monitoring/x', { labels: { ...known.labels, heritage: 'Helm' } })], []);
      expect(more).toEqual([]);
      expect(found?.software).toBe(known.software);
      const raw = parse(found?.proposal.yaml ?? '') as KubeObject;
      expect(raw).toEqual(found?.proposal.manifest);
      expect(parseMetricSource(raw)).toMatchObject({ ok: true, spec: { type: known.type, allowedNamespaces: { names: [] } } });
    }
  });

  it('leaves every other Service alone', () => {
    const others = [
      service('shop/web', { labels: { app: 'web' } }),
      service('monitoring/alertmanager', { labels: { app: 'kube-prometheus-stack-alertmanager' } }),
      service('monitoring/pushgateway', { labels: { app: 'prometheus', component: 'pushgateway' } }),
      service('monitoring/node-exporter', { labels: { 'app.kubernetes.io/name': 'prometheus-node-exporter' } }),
      service('monitoring/elsewhere', {
        labels: { app: 'kube-prometheus-stack-prometheus' },
        spec: { type: 'ExternalName', externalName: '169.254.169.254' },
      }),
      { metadata: { namespace: 'monitoring', name: 'bare', labels: { app: 'prometheus-server' } } },
    ];
    expect(findServers(others, [])).toEqual([]);
  });

  it('takes the port of the API, not that of a sidecar', () => {
    const labels = { app: 'kube-prometheus-stack-prometheus' };
    const stack = [
      { name: 'reloader-web', port: 8080 },
      { name: 'http-web', port: 9090 },
    ];
    expect(urlOf([service('m/stack', { labels, ports: stack })])).toEqual(['http://stack.m.svc:9090']);
    const unnamed = [{ port: 10901 }, { port: 9090 }];
    expect(urlOf([service('m/unnamed', { labels, ports: unnamed })])).toEqual(['http://unnamed.m.svc:9090']);
    expect(urlOf([service('m/one', { labels: { app: 'prometheus', component: 'server' }, ports: [{ port: 80 }] })])).toEqual([
      'http://one.m.svc:80',
    ]);
    const foreign = [
      { name: 'grpc', port: 1 },
      { name: 'gossip', port: 2 },
    ];
    expect(urlOf([service('m/none', { labels, ports: foreign })]), 'none that could be the API').toEqual([]);
    expect(urlOf([service('m/udp', { labels, ports: [{ name: 'web', port: 9090, protocol: 'UDP' }] })])).toEqual([]);
  });

  it('knows the paths of servers that have one, and https', () => {
    expect(urlOf([service('m/vm', { labels: { app: 'vmselect' }, ports: [{ name: 'http', port: 8481 }] })])).toEqual([
      'http://vm.m.svc:8481/select/0/prometheus',
    ]);
    const mimir = { 'app.kubernetes.io/name': 'mimir', 'app.kubernetes.io/component': 'query-frontend' };
    const [found] = findServers([service('m/mimir', { labels: mimir, ports: [{ name: 'http-metrics', port: 8080 }] })], []);
    expect(found?.proposal.manifest.spec).toMatchObject({ type: 'Mimir', url: 'http://mimir.m.svc:8080/prometheus' });
    expect(found?.proposal.yaml).toContain('# With multi-tenancy on, set spec.tenancy.tenant');
    const [secure] = findServers(
      [service('openshift-monitoring/thanos-querier', { labels: { app: 'thanos-query' }, ports: [{ name: 'https', port: 9091 }] })],
      [],
    );
    expect(secure?.proposal.manifest.spec).toEqual({
      type: 'Thanos',
      url: 'https://thanos-querier.openshift-monitoring.svc:9091',
      allowedNamespaces: { names: [] },
    });
    expect(secure?.proposal.yaml).toContain('spec.tls.ca');
  });

  it('proposes one server once: not the governing Service of the operator too', () => {
    const stack = service('monitoring/stack', {
      labels: { app: 'kube-prometheus-stack-prometheus' },
      spec: { selector: { 'app.kubernetes.io/name': 'prometheus', 'operator.prometheus.io/name': 'stack' } },
    });
    const operated = (namespace: string): KubeObject =>
      service(`${namespace}/prometheus-operated`, {
        labels: { 'operated-prometheus': 'true' },
        spec: { clusterIP: 'None', selector: { 'app.kubernetes.io/name': 'prometheus' } },
      });
    expect(urlOf([operated('monitoring'), stack])).toEqual(['http://stack.monitoring.svc:9090']);
    expect(urlOf([operated('other'), stack])).toEqual(['http://stack.monitoring.svc:9090', 'http://prometheus-operated.other.svc:9090']);
  });

  it('says which are in use, and proposes names that are free', () => {
    const labels = { app: 'prometheus-server' };
    const services = [service('b/two', { labels }), service('a/one', { labels }), service('a/three', { labels })];
    const found = findServers(services, [{ name: 'prometheus', url: 'http://one.a.svc.cluster.local:9090' }]);
    expect(found.map(({ namespace, name, usedBy, proposal }) => [`${namespace}/${name}`, usedBy, proposal.manifest.metadata.name])).toEqual(
      [
        ['a/one', 'prometheus', 'prometheus-a'],
        ['a/three', undefined, 'three-a'],
        ['b/two', undefined, 'prometheus-b'],
      ],
    );
  });
});
