import { randomBytes } from 'node:crypto';
import type { Registry } from 'prom-client';
import type { KubeClient } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { ClusterView } from '../../core/model/cluster-view.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { Claim } from '../../core/model/intent.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import type { BuiltSource } from '../../metrics-aggregator/index.ts';
import {
  allVpaGates,
  createAdmission,
  createFileBlockCache,
  createPodPatcher,
  createVpaController,
  defaultAdmissionConfig,
  evictionOoms,
  validateVpa,
  type Admission,
  type AdmissionConfig,
  type VpaController,
  type VpaHistory,
} from '../../vpa/index.ts';
import { splitAddress } from './address.ts';
import { createHistoryClient } from './history-client.ts';
import type { Mirrors } from './mirrors.ts';
import type { RunSettings } from './settings.ts';
import type { VerticalMirrors } from './vertical-mirrors.ts';
import { vpaConfig } from './vpa-settings.ts';

export interface VerticalOptions {
  /** Fenced by leadership and dry run. */
  readonly client: KubeClient;
  /** Fenced by dry run alone. */
  readonly unfenced: KubeClient;
  readonly clock: Clock;
  /** Times what goes over sockets. */
  readonly transportClock: Clock;
  readonly random: Random;
  readonly settings: RunSettings;
  readonly mirrors: Mirrors & { readonly vertical: VerticalMirrors };
  readonly view: () => ClusterView;
  readonly metrics: () => MetricsView;
  readonly horizontalClaims: () => readonly Claim[];
  readonly onTargetChange: (target: ObjectReference) => void;
  /** What asks MetricSources for the past; absent where another process measures. */
  readonly rangeOf?: ((name: string) => BuiltSource['range']) | undefined;
  readonly events: { record(event: { object: ObjectReference; type: 'Normal' | 'Warning'; reason: string; message: string }): void };
  readonly logger: Logger;
  readonly registry: Registry;
  /** Of this copy and of this program. */
  readonly identity: string;
  readonly namespace: string;
  readonly onDecision: (decision: Decision) => void;
}

/** The requests controller with its webhook, as this program runs them. */
export interface Vertical {
  readonly controller: VpaController;
  /** Serves the webhook, on every copy, and answers where; `undefined` where none is served. */
  startServing(): Promise<{ readonly host: string; readonly port: number } | undefined>;
  stopServing(): Promise<void>;
  /** What only the leader does. */
  start(): void;
  stop(): Promise<void>;
  /** Tells admission of a pod that has come to be. */
  podCreated(pod: KubeObject): void;
  readiness(): string | undefined;
  close(): void;
}

export function createVertical(options: VerticalOptions): Vertical {
  const { client, unfenced, clock, random, settings, mirrors, registry, identity, namespace } = options;
  const { vertical } = mirrors;
  const logger = options.logger.child({ component: 'vpa' });
  const config = vpaConfig(settings, { dryRun: settings.dryRun, adoptVpas: settings.adopt.includes('vpa') });
  const events = {
    emit: (object: ObjectReference, { type, reason, message }: { type: 'Normal' | 'Warning'; reason: string; message: string }) =>
      options.events.record({ object, type, reason, message }),
  };
  let admission: Admission | undefined;
  const controller = createVpaController({
    client,
    reader: unfenced,
    reads: {
      verticalPolicies: vertical.verticalPolicies,
      nativeVpas: vertical.nativeVpas,
      workloads: vertical.workloads,
      limitRanges: vertical.limitRanges,
      nodes: vertical.nodes,
      pods: mirrors.pods,
      view: () => (mirrors.pods.hasSynced() && vertical.budgets.hasSynced() ? options.view() : undefined),
    },
    metrics: options.metrics,
    horizontalClaims: options.horizontalClaims,
    admissionHealthy: () => healthOf(admission, settings),
    history: historyOf(options, logger),
    clock,
    random,
    events,
    logger,
    registry,
    config,
    onDecision: options.onDecision,
    onTargetChange: options.onTargetChange,
  });
  const admissionConfig = admissionConfigOf(settings, namespace);
  if (admissionConfig !== undefined) {
    admission = createAdmission({
      config: admissionConfig,
      namespace,
      identity,
      clock: options.transportClock,
      random,
      randomBytes: (size) => randomBytes(size),
      logger: options.logger.child({ component: 'vpa-admission' }),
      client: unfenced,
      leaderClient: client,
      events,
      registry,
      book: controller.book,
      targets: controller.targets,
      limits: (each) => controller.limits(each),
      patch: createPodPatcher({
        boost: settings.admission.maxBoostCpu === undefined ? {} : { maxAllowedCpu: settings.admission.maxBoostCpu },
        yielded: (known) => new Set(controller.yields(known).keys()),
      }),
      validateVpa: ({ object, old }) => validateVpa(object, { old, gates: allVpaGates }),
    });
  }
  const unsubscribe = vertical.evictions.onDelta(({ type, new: event }) => {
    if (type === 'added' && event !== undefined) for (const oom of evictionOoms(event)) controller.observeOom(oom);
  });
  return {
    controller,
    startServing: async () => {
      const address = await admission?.start();
      if (address !== undefined) options.logger.info('serving the admission webhook', { ...address });
      return address;
    },
    stopServing: async () => {
      await admission?.stop();
    },
    start: () => {
      controller.start();
      admission?.lead();
    },
    stop: async () => {
      await admission?.unlead();
      await controller.stop();
    },
    podCreated: (pod) => admission?.podCreated(pod),
    readiness: () => admission?.readiness(),
    close: () => {
      unsubscribe();
      controller.close();
    },
  };
}

function healthOf(
  admission: Admission | undefined,
  { dryRun }: RunSettings,
): { readonly ok: true } | { readonly ok: false; readonly message: string } {
  if (admission !== undefined) return admission.status();
  // What a dry run would do is shown as if everything else were in order.
  if (dryRun) return { ok: true };
  return { ok: false, message: 'no admission webhook is served that would give the new pods their requests (--admission-address)' };
}

/** A dry run writes nothing, certificates and registration included; it answers no reviews either. */
function admissionConfigOf({ admission, adopt, vpa, dryRun }: RunSettings, namespace: string): AdmissionConfig | undefined {
  if (dryRun || (admission.address === undefined && !admission.external)) return undefined;
  const base = defaultAdmissionConfig(namespace);
  const [host, port] = splitAddress(admission.address ?? '127.0.0.1:0');
  return {
    ...base,
    external: admission.external,
    host,
    port,
    certificates: { ...base.certificates, source: { kind: 'secret', name: admission.secret } },
    registration: {
      ...base.registration,
      name: admission.webhookName,
      address:
        admission.url === undefined
          ? { kind: 'service', namespace, name: admission.service ?? '', port: admission.servicePort }
          : { kind: 'url', url: admission.url },
      timeoutSeconds: admission.timeoutSeconds,
      ignoredNamespaces: vpa.ignoredNamespaces,
      validateVpas: adopt.includes('vpa'),
    },
    limits: { ...base.limits, lookupTimeoutMs: Math.min(base.limits.lookupTimeoutMs, admission.timeoutSeconds * 500) },
  };
}

function historyOf({ settings, rangeOf }: VerticalOptions, logger: Logger): VpaHistory | undefined {
  const { source, length, resolution, cacheDirectory } = settings.history;
  if (source === undefined || rangeOf === undefined) return undefined;
  return {
    client: createHistoryClient(source, rangeOf),
    config: { source, lengthMs: length, resolutionMs: resolution },
    cache: cacheDirectory === undefined ? undefined : createFileBlockCache({ directory: cacheDirectory, logger }),
  };
}
