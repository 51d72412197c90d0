import { describe, expect, it } from 'vitest';
import { namedService } from './named-service.ts';

describe('namedService', () => {
  it.each([
    ['http://prom.monitoring.svc:9090', { namespace: 'monitoring', name: 'prom', scheme: 'http', port: 9090, path: '' }],
    [
      'https://prom.monitoring.svc.cluster.local/base/',
      { namespace: 'monitoring', name: 'prom', scheme: 'https', port: 443, path: '/base' },
    ],
    ['http://prom.monitoring', { namespace: 'monitoring', name: 'prom', scheme: 'http', port: 80, path: '' }],
    ['http://prom.monitoring.svc.corp.example.:80/x', { namespace: 'monitoring', name: 'prom', scheme: 'http', port: 80, path: '/x' }],
  ])('%s', (url, expected) => {
    expect(namedService(url)).toEqual(expected);
  });

  it.each([
    'http://localhost:9090',
    'https://prometheus.example.com',
    'http://10.0.0.1:9090',
    'http://[::1]:9090',
    'ftp://a.b.svc',
    'nonsense',
  ])('%s names no Service', (url) => {
    expect(namedService(url)).toBeUndefined();
  });
});
