import { afterEach } from 'vitest';
import { fakeServer, json, VirtualClock, type FakeHandler, type FakeServer, type SeenRequest } from '../../../core/kube/test-support.ts';
import type { MetricSourceSpec } from '../../metric-source-schema.ts';
import { prometheusSourceFromSpec, type PrometheusFromSpec } from './from-spec.ts';

/** Fakes for the tests of this folder: a scripted server on loopback and a source made for it. */
export { fakeServer, json, VirtualClock, type FakeHandler, type FakeServer, type SeenRequest };

export interface Rig {
  readonly server: FakeServer;
  readonly clock: VirtualClock;
  readonly prometheus: PrometheusFromSpec;
  /** Form fields of a request; by default of the last one. */
  form(index?: number): URLSearchParams;
  close(): Promise<void>;
}

async function rig(handler: FakeHandler, spec: Partial<MetricSourceSpec> = {}): Promise<Rig> {
  const server = await fakeServer(handler);
  const clock = new VirtualClock();
  const full: MetricSourceSpec = { type: 'Prometheus', url: server.url, plainHttp: true, network: { allowLoopback: true }, ...spec };
  const result = prometheusSourceFromSpec('main', full, { credentials: {}, tls: {} }, { clock });
  if (!result.ok) throw new Error(result.problem);
  const { prometheus } = result;
  return {
    server,
    clock,
    prometheus,
    form: (index = server.requests.length - 1) => new URLSearchParams(server.requests[index]?.body),
    close: async () => {
      await prometheus.client.close();
      await server.close();
    },
  };
}

/** Makes rigs for one test file: each is closed after its test. */
export function testRigs(): typeof rig {
  const rigs: Rig[] = [];
  afterEach(async () => {
    for (const each of rigs.splice(0)) await each.close();
  });
  return async (handler, spec) => {
    const made = await rig(handler, spec);
    rigs.push(made);
    return made;
  };
}

/** A successful answer of `/api/v1/query` or `/api/v1/query_range`. */
export function success(
  resultType: string,
  result: unknown,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return { status: 'success', data: { resultType, result }, ...more };
}

export function vector(...values: readonly (readonly [labels: Readonly<Record<string, string>>, value: string])[]): unknown {
  return values.map(([metric, value]) => ({ metric, value: [1_700_000_000.5, value] }));
}
