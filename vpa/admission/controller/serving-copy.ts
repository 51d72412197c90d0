import { messageOf } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import type { Clock, Random } from '../../../core/model/clock.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { createHttpServer, type HttpServer } from '../../../core/runtime/http-server.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { ObjectSource } from '../../ports.ts';
import type { RandomBytes } from '../certificates/certificate.ts';
import { readCertificateFiles, type ReadText } from '../certificates/certificate-files.ts';
import { bundleVerifies, readSecret, type StateReading } from '../certificates/material.ts';
import { provisionalLeaf } from '../certificates/rotation.ts';
import { createServingCertificate, type ServingCertificate } from '../certificates/serving-certificate.ts';
import { calledName, certificateNames, type AdmissionConfig } from '../config.ts';
import { registeredBundle, registrationDifferences, webhookObject } from '../engine/webhook-object.ts';
import type { AdmissionLeaseWriter } from './admission-lease.ts';
import { followObject } from './followed-object.ts';
import { createLoop, type Loop } from './loop.ts';
import type { AdmissionMetrics } from './metrics.ts';
import { createProbe } from './probe.ts';
import type { AdmissionRoutes } from './routes.ts';

export interface ServingCopyOptions {
  readonly config: AdmissionConfig;
  readonly ownNamespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: RandomBytes;
  readonly logger: Logger;
  readonly client: KubeClient;
  readonly metrics: AdmissionMetrics;
  readonly routes: AdmissionRoutes;
  /** The policies are known: before, pods would come unsized. */
  readonly synced: () => boolean;
  readonly lease: AdmissionLeaseWriter;
  readonly readText: ReadText;
  readonly sources?: { readonly secret?: ObjectSource | undefined; readonly webhook?: ObjectSource | undefined } | undefined;
}

/** What every copy does, leader or not: serve, follow the certificate, look at itself, and say so in the Lease. */
export interface ServingCopy {
  start(): Promise<{ readonly host: string; readonly port: number }>;
  stop(graceMs: number): Promise<void>;
  /** The certificate as it was last read. */
  reading(): StateReading;
  /** Calls when the Secret, the files or the webhook object changed. */
  onChange(handler: () => void): void;
  registrationProblem(): string | undefined;
  readiness(): string | undefined;
}

const probePath = '/readyz';

export function createServingCopy(options: ServingCopyOptions): ServingCopy {
  const { config, clock, logger, metrics, routes, synced, lease, readText } = options;
  const { source } = config.certificates;
  const webhook = followObject(
    options,
    { type: resourceTypes.mutatingWebhookConfigurations, name: config.registration.name },
    options.sources?.webhook,
  );
  const secret =
    source.kind === 'secret'
      ? followObject(options, { type: resourceTypes.secrets, namespace: options.ownNamespace, name: source.name }, options.sources?.secret)
      : undefined;
  const handlers = new Set<() => void>();
  const probe = createProbe(clock);
  let reading: StateReading = { kind: 'absent' };
  let serving:
    { readonly server: HttpServer; readonly certificate: ServingCertificate; readonly host: string; readonly port: number } | undefined;

  const reconsider = (): void => {
    if (secret?.hasSynced() === true) reading = readSecret(secret.get());
    serving?.certificate.consider(reading, registeredBundle(webhook.get()));
  };
  const changed = (): void => {
    reconsider();
    for (const handler of handlers) handler();
  };

  const registrationProblem = (): string | undefined => {
    if (!webhook.hasSynced()) return `MutatingWebhookConfiguration ${config.registration.name} has not been read yet`;
    return registrationStateProblem(options, webhook.get(), reading);
  };

  const selfCheck = async (): Promise<string | undefined> => {
    if (serving === undefined) return 'nothing listens yet';
    const ca = registeredBundle(webhook.get());
    // It cannot be verified as API servers do it; why is told by the state of the registration.
    if (ca === undefined) return registrationProblem() ?? `MutatingWebhookConfiguration ${config.registration.name} has no caBundle`;
    return probe({ host: serving.host, port: serving.port, name: calledName(config.registration.address), ca, path: probePath });
  };

  let lastProblem: string | undefined;
  const loops: readonly Loop[] = [
    createLoop({
      clock,
      intervalMs: config.health.renewMs,
      turn: async (signal) => {
        const problem = await selfCheck();
        metrics.setServing(problem === undefined);
        if (problem !== undefined && problem !== lastProblem) logger.warn(`the admission Lease is not renewed: ${problem}`);
        lastProblem = problem;
        if (problem === undefined) await lease.renew({ signal });
        return undefined;
      },
      onFailure: (error) => logger.warn('the admission Lease could not be renewed and is tried again', { error: messageOf(error) }),
    }),
    ...(source.kind === 'files'
      ? [
          createLoop({
            clock,
            intervalMs: config.certificates.fileCheckMs,
            turn: async () => {
              const next = await readCertificateFiles(source, readText);
              const news = JSON.stringify(next) !== JSON.stringify(reading);
              reading = next;
              if (news) changed();
              return undefined;
            },
            onFailure: (error) => logger.warn('the certificate files could not be read', { error: messageOf(error) }),
          }),
        ]
      : []),
  ];

  return {
    reading: () => reading,
    onChange: (handler) => handlers.add(handler),
    registrationProblem,
    readiness: () => serving?.certificate.problem() ?? (synced() ? undefined : 'the policies have not been read yet'),
    start: async () => {
      const provisional = await provisionalLeaf(
        { now: clock.now(), names: certificateNames(config), config: config.certificates },
        options.randomBytes,
      );
      const server = createHttpServer({
        host: config.host,
        port: config.port,
        clock,
        logger,
        tls: { cert: provisional.cert, key: provisional.key },
        keepAliveMs: config.limits.keepAliveMs,
        maxConnections: config.limits.maxConnections,
      });
      routes.mount(server);
      const certificate = createServingCertificate({
        now: () => clock.now(),
        provisional,
        install: (tls) => server.renewTls(tls),
        onInstalled: ({ serving: end, ca }) => {
          metrics.setExpiry('serving', end);
          if (ca !== undefined) metrics.setExpiry('ca', ca);
          logger.info('a new webhook certificate is served', { validUntil: new Date(end).toISOString() });
        },
        onProblem: (sentence) => logger.warn(sentence),
      });
      server.addReadiness('certificate', () => certificate.problem());
      server.addReadiness('policies', () => (synced() ? undefined : 'the policies have not been read yet'));
      const address = await server.listen();
      serving = { server, certificate, ...address };
      secret?.start(changed);
      webhook.start(changed);
      for (const loop of loops) loop.start();
      return address;
    },
    stop: async (graceMs) => {
      // First of all nothing says any more that this copy serves.
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all([secret?.stop(), webhook.stop()]);
      await serving?.server.close(graceMs);
    },
  };
}

function registrationStateProblem(
  { config, ownNamespace }: ServingCopyOptions,
  actual: KubeObject | undefined,
  reading: StateReading,
): string | undefined {
  const what = `MutatingWebhookConfiguration ${config.registration.name}`;
  if (actual === undefined) return `${what} is not there: pods pass by admission until the leader, or whoever installs it, creates it`;
  const wanted = webhookObject({ registration: config.registration, ownNamespace, caBundle: undefined });
  const differences = config.registration.enabled ? registrationDifferences(actual, wanted) : [];
  if (differences.length > 0) return `${what} is not as it should be: ${differences.join(', ')}`;
  const bundle = registeredBundle(actual);
  if (bundle === undefined) return `${what} has no caBundle: API servers believe no certificate of this webhook`;
  if (reading.kind === 'own' && !bundleVerifies(bundle, reading.state.leaf.cert)) {
    return `${what} has a caBundle under which the certificate of this webhook cannot be verified`;
  }
  return undefined;
}
