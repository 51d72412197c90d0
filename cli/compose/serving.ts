import { readFile } from 'node:fs/promises';
import { ConcertinaError, messageOf } from '../../core/errors.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import type { Clock, Random, Timer } from '../../core/model/clock.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { createHttpServer, type HttpServer } from '../../core/runtime/http-server.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { createRequestAuth } from '../../core/runtime/request-auth.ts';
import {
  addAggregatorRoutes,
  createExternalMetrics,
  createExternalMetricsServer,
  factsOf,
  type AggregatorRoutes,
  type ExternalMetricsServer,
  type MetricsAggregator,
  type MetricSources,
} from '../../metrics-aggregator/index.ts';
import { splitAddress } from './address.ts';
import type { RunSettings } from './settings.ts';

export interface ServingOptions {
  readonly settings: RunSettings;
  readonly aggregator: MetricsAggregator;
  readonly sources: MetricSources;
  readonly pods: () => Iterable<PodRecord>;
  /** Reviews tokens and access. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What the aggregator shows to others: its API, and `external.metrics.k8s.io` where that is switched on. */
export interface Serving {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Certificates are read again after so long: they are renewed by whoever issues them. */
const renewMs = 60_000;

interface Tls {
  readonly cert: string;
  readonly key: string;
}

interface Served {
  start(): Promise<{ readonly host: string; readonly port: number }>;
  stop(): Promise<void>;
  renew(tls: Tls): void;
}

export function createServing(options: ServingOptions): Serving {
  const { settings, clock, logger } = options;
  const { serve, externalMetrics } = settings;
  const running: Served[] = [];
  /** Of each that is served: when its certificate is read again. */
  const timers = new Map<string, Timer>();
  let stopped = false;

  const begin = async (name: string, files: CertificateFiles, make: (tls: Tls | undefined) => Served): Promise<void> => {
    let tls = await readTls(name, files);
    const served = make(tls);
    const at = await served.start().catch((error: unknown) => {
      throw new ConcertinaError(
        'CONFIG_INVALID',
        `${name} cannot be served on ${files.address}: ${messageOf(error)}; choose another address`,
        { cause: error },
      );
    });
    running.push(served);
    logger.info(`serving ${name}`, { ...at });
    if (tls === undefined) return;
    const renew = async (): Promise<void> => {
      try {
        const next = await readTls(name, files);
        if (stopped || next === undefined || (next.cert === tls?.cert && next.key === tls.key)) return;
        served.renew(next);
        tls = next;
      } catch (error) {
        logger.warn(`the certificate of ${name} could not be renewed; the one before stays`, { error: messageOf(error) });
      }
    };
    const look = (): void => {
      timers.set(
        name,
        clock.setTimeout(() => {
          void renew();
          look();
        }, renewMs),
      );
    };
    look();
  };

  return {
    start: async () => {
      const { address } = serve;
      if (address !== undefined)
        await begin('the API of the metrics aggregator', { ...serve, address }, (tls) => aggregatorApi(options, address, tls));
      const external = externalMetrics.address;
      if (external !== undefined) {
        await begin('external.metrics.k8s.io', { ...externalMetrics, address: external }, (tls) => externalApi(options, external, tls));
      }
    },
    stop: async () => {
      stopped = true;
      for (const timer of timers.values()) timer.cancel();
      await Promise.all(running.splice(0).map((served) => served.stop()));
    },
  };
}

interface CertificateFiles {
  readonly address: string;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

async function readTls(name: string, { certFile, keyFile }: CertificateFiles): Promise<Tls | undefined> {
  if (certFile === undefined || keyFile === undefined) return undefined;
  try {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    return { cert, key };
  } catch (error) {
    throw new ConcertinaError(
      'CONFIG_INVALID',
      `the certificate of ${name} cannot be read: ${messageOf(error)}; check certFile and keyFile`,
      { cause: error },
    );
  }
}

function aggregatorApi(
  { settings, aggregator, pods, client, clock, logger }: ServingOptions,
  address: string,
  tls: Tls | undefined,
): Served {
  const [host, port] = splitAddress(address);
  const server: HttpServer = createHttpServer({ host, port, clock, logger, ...(tls === undefined ? {} : { tls }) });
  const auth = settings.serve.auth
    ? createRequestAuth({ client, clock, onProblem: (problem) => logger.warn('a request could not be checked', { problem }) })
    : undefined;
  let routes: AggregatorRoutes | undefined;
  return {
    start: () => {
      routes = addAggregatorRoutes(server, { aggregator, facts: factsOf, clock, pods, authorize: auth?.guard });
      return server.listen();
    },
    stop: async () => {
      routes?.close();
      await server.close();
    },
    renew: (next) => server.renewTls(next),
  };
}

function externalApi({ settings, sources, client, clock, random, logger }: ServingOptions, address: string, tls: Tls | undefined): Served {
  if (tls === undefined) throw new ConcertinaError('INTERNAL', 'external.metrics.k8s.io without a certificate');
  const [host, port] = splitAddress(address);
  const { metrics, externalMetrics } = settings;
  const offered = createExternalMetrics({ sources, clock, maxAgeMs: metrics.maxAge, timeoutMs: metrics.timeout });
  const server: ExternalMetricsServer = createExternalMetricsServer({
    host,
    port,
    tls,
    client,
    clock,
    random,
    logger,
    metrics: () => offered.metrics(),
    evaluate: (namespace, name, selector) => offered.evaluate(namespace, name, selector),
    doubtful: externalMetrics.doubtful,
  });
  return { start: () => server.start(), stop: () => server.stop(), renew: (next) => server.renewCertificate(next) };
}
