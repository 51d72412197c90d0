import type { Registry } from 'prom-client';
import { ConcertinaError, messageOf } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import { isNotFound } from '../../../core/kube/status-error.ts';
import type { Clock, Random } from '../../../core/model/clock.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { NamespaceLimits } from '../../model.ts';
import type { EventSink, ObjectSource, PolicyBook, TargetResolver } from '../../ports.ts';
import type { RandomBytes } from '../certificates/certificate.ts';
import { readTextFile, type ReadText } from '../certificates/certificate-files.ts';
import { createSecretStore } from '../certificates/secret-store.ts';
import { admissionConfigProblems, upstreamAdmissionLease, type AdmissionConfig } from '../config.ts';
import type { PodPatcher } from '../engine/pod-decision.ts';
import type { VpaValidator } from '../engine/vpa-decision.ts';
import { concernsNamespace } from '../engine/webhook-object.ts';
import { createRegistrar } from '../registration/registrar.ts';
import { createAdmissionLeaseWriter, type LeasePlace } from './admission-lease.ts';
import { createAdmissionStatus, type AdmissionHealth } from './admission-status.ts';
import { createExpectedPods } from './expected-pods.ts';
import { createLeaderDuties } from './leader.ts';
import type { Loop } from './loop.ts';
import { createAdmissionMetrics } from './metrics.ts';
import { createPodReview } from './pod-review.ts';
import { createAdmissionRoutes, type AdmissionRoutes } from './routes.ts';
import { createServingCopy, type ServingCopy } from './serving-copy.ts';

/** What {@link createAdmission} works with. */
export interface AdmissionOptions {
  readonly config: AdmissionConfig;
  /** Of this program. */
  readonly namespace: string;
  /** Of this copy; stands in the Lease. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: RandomBytes;
  readonly logger: Logger;
  /** For reads, and for the admission Lease, which every copy renews; fenced by `--dry-run` alone. */
  readonly client: KubeClient;
  /** For Secret and webhook object; fenced by leadership. */
  readonly leaderClient: Pick<KubeClient, 'create' | 'patch'>;
  readonly events: EventSink;
  readonly registry: Registry;
  readonly book: PolicyBook;
  readonly targets: TargetResolver;
  readonly limits: (namespace: string) => NamespaceLimits | undefined;
  readonly patch: PodPatcher;
  /** Needed where VerticalPodAutoscaler objects are adopted. */
  readonly validateVpa?: VpaValidator | undefined;
  /** The Secret and the webhook object as live lists of one; own reflectors without. */
  readonly sources?: { readonly secret?: ObjectSource | undefined; readonly webhook?: ObjectSource | undefined } | undefined;
  readonly readText?: ReadText | undefined;
}

/** The admission webhook of the requests controller. */
export interface Admission {
  /** Listens and begins to look at itself; `undefined` where another program does the job (`external`). Throws `CONFIG_INVALID`. */
  start(): Promise<{ readonly host: string; readonly port: number } | undefined>;
  /** Serves to the end what it has begun, at most `graceMs` (default 5,000). Includes `unlead`. */
  stop(graceMs?: number): Promise<void>;
  /** This copy holds the lease of the program: certificates and registration are its matter. */
  lead(): void;
  unlead(): Promise<void>;
  /** Whether evicted pods would come back sized. */
  status(): AdmissionHealth;
  /** Why this copy should get no requests; for `/readyz` of the program. */
  readiness(): string | undefined;
  /** Every pod that comes to be, raw: what came of admission is the strongest sign of its health. */
  podCreated(pod: KubeObject): void;
  readonly routes: AdmissionRoutes;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { config, clock, logger, namespace, client } = options;
  const metrics = createAdmissionMetrics(options.registry);
  const routes = createAdmissionRoutes({
    clock,
    logger,
    metrics,
    limits: config.limits,
    reviewPod: createPodReview({ ...options, dryRun: config.dryRun }),
    ...(config.registration.validateVpas && options.validateVpa !== undefined ? { validateVpa: options.validateVpa } : {}),
  });
  const expected = createExpectedPods({
    ...options,
    concerns: (each) => config.external || concernsNamespace(config.registration, namespace, each),
  });
  const copy = config.external ? undefined : servingCopy(options, routes, metrics);
  const duties = copy === undefined ? undefined : leaderDuties(options, copy, metrics);
  const place = leasePlace(config, namespace);
  const status = createAdmissionStatus({
    clock,
    config: config.health,
    lease: { place, read: (signal) => readLease(client, place, signal) },
    registrationProblem: () => copy?.registrationProblem(),
    expected: (pod) => expected.expects(pod),
    onFailure: (error) => logger.warn('the admission Lease could not be read and is read again', { error: messageOf(error) }),
  });
  // What the leader has to keep is looked at again as soon as it changes.
  copy?.onChange(() => duties?.wake());

  return {
    routes,
    start: async () => {
      const problems = config.external ? [] : admissionConfigProblems(config);
      if (options.validateVpa === undefined && config.registration.validateVpas)
        throw new Error('VerticalPodAutoscalers are to be validated, and no validator is given');
      if (problems.length > 0) {
        throw new ConcertinaError('CONFIG_INVALID', `the settings of admission cannot be used: ${problems.join('; ')}`, {
          details: { problems },
        });
      }
      const address = await copy?.start();
      status.start();
      return address;
    },
    stop: async (graceMs = 5_000) => {
      expected.stop();
      await Promise.all([duties?.stop(), status.stop()]);
      await copy?.stop(graceMs);
    },
    lead: () => duties?.start(),
    unlead: async () => {
      await duties?.stop();
    },
    status: () => status.health(),
    readiness: () => copy?.readiness(),
    podCreated: (pod) => status.podCreated(pod),
  };
}

function servingCopy(options: AdmissionOptions, routes: AdmissionRoutes, metrics: ReturnType<typeof createAdmissionMetrics>): ServingCopy {
  const { config, clock, client, identity, namespace } = options;
  return createServingCopy({
    ...options,
    ownNamespace: namespace,
    routes,
    metrics,
    synced: () => options.book.hasSynced(),
    readText: options.readText ?? readTextFile,
    lease: createAdmissionLeaseWriter({
      client,
      clock,
      place: leasePlace(config, namespace),
      identity,
      durationMs: config.health.timeoutMs,
    }),
  });
}

function leaderDuties(options: AdmissionOptions, copy: ServingCopy, metrics: ReturnType<typeof createAdmissionMetrics>): Loop {
  const { config, client, leaderClient, namespace } = options;
  const { source } = config.certificates;
  return createLeaderDuties({
    ...options,
    ownNamespace: namespace,
    metrics,
    secrets: source.kind === 'secret' ? createSecretStore({ client, leaderClient, namespace, name: source.name }) : undefined,
    files: () => copy.reading(),
    registrar: createRegistrar({ client, leaderClient, name: config.registration.name }),
  });
}

function leasePlace({ external, health }: AdmissionConfig, own: string): LeasePlace {
  const preset = external ? upstreamAdmissionLease : { namespace: own, name: health.leaseName };
  return { ...preset, ...(health.leaseNamespace === undefined ? {} : { namespace: health.leaseNamespace, name: health.leaseName }) };
}

async function readLease(client: Pick<KubeClient, 'get'>, place: LeasePlace, signal: AbortSignal): Promise<KubeObject | undefined> {
  try {
    return await client.get(resourceTypes.leases, place, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
