import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { EventSink } from '../../ports.ts';
import type { RandomBytes } from '../certificates/certificate.ts';
import { bundleHolds, bundleOf, readSecret, type StateReading } from '../certificates/material.ts';
import { planRotation, takeStep, type RotationStep } from '../certificates/rotation.ts';
import type { SecretStore } from '../certificates/secret-store.ts';
import { certificateNames, type AdmissionConfig } from '../config.ts';
import { registeredBundle, webhookObject } from '../engine/webhook-object.ts';
import type { Registrar } from '../registration/registrar.ts';
import { createLoop, type Loop } from './loop.ts';
import type { AdmissionMetrics } from './metrics.ts';

export interface LeaderDutiesOptions {
  readonly config: AdmissionConfig;
  readonly ownNamespace: string;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly metrics: AdmissionMetrics;
  /** Absent where files hold the certificate. */
  readonly secrets: SecretStore | undefined;
  /** The certificate of files; what the Secret holds is read by the duties themselves. */
  readonly files: () => StateReading;
  readonly registrar: Registrar;
}

/** A rotation takes two steps at most between two waits; more in one turn is a fault. */
const maxSteps = 4;

/** Others that change the webhook object again and again are answered no faster. */
const minGapMs = 1_000;

/** What one copy does for all: certificates in the Secret, the webhook object. The first turn begins with `start`. */
export function createLeaderDuties(options: LeaderDutiesOptions): Loop {
  const { clock, config, logger } = options;
  /** Monotonic time since which the registered bundle has been seen to hold that CA. */
  let published: { readonly cert: string; readonly since: number } | undefined;

  const publishedMs = (reading: StateReading): number | undefined => {
    const next = reading.kind === 'own' ? reading.state.next : undefined;
    return next === undefined || published?.cert !== next.cert ? undefined : clock.monotonic() - published.since;
  };

  const notePublished = (reading: StateReading, object: KubeObject | undefined): void => {
    const next = reading.kind === 'own' ? reading.state.next : undefined;
    const bundle = registeredBundle(object);
    if (next === undefined || bundle === undefined || !bundleHolds(bundle, next.cert)) published = undefined;
    else if (published?.cert !== next.cert) published = { cert: next.cert, since: clock.monotonic() };
  };

  const turn = async (signal: AbortSignal): Promise<number | undefined> => {
    const reading = await rotate(options, publishedMs, signal);
    if (reading.kind === 'broken') throw new Error(`the certificate cannot be used: ${reading.problem}`);
    const object = await register(options, reading, signal);
    notePublished(reading, object);
    return publishedMs(reading) === undefined ? undefined : config.certificates.bundleSettleMs;
  };

  return createLoop({
    clock,
    intervalMs: config.registration.checkMs,
    minGapMs,
    turn,
    onFailure: (error) => {
      // The end of leadership is no failure.
      if (isConcertinaError(error, 'FENCED')) return;
      logger.warn('a leader duty of admission failed and is tried again', { error: messageOf(error) });
    },
  });
}

/** Brings the Secret up to date, step by step; answers what it holds then. */
async function rotate(
  options: LeaderDutiesOptions,
  publishedMs: (reading: StateReading) => number | undefined,
  signal: AbortSignal,
): Promise<StateReading> {
  const { secrets, config, clock, randomBytes } = options;
  if (secrets === undefined) return options.files();
  let secret = await secrets.read({ signal });
  for (let steps = 0; ; steps++) {
    const reading = readSecret(secret);
    const view = {
      reading,
      now: clock.now(),
      names: certificateNames(config),
      nextPublishedMs: publishedMs(reading),
      config: config.certificates,
    };
    const step = planRotation(view);
    if (step.step === 'none') return reading;
    if (steps === maxSteps) throw new Error(`the certificate in ${place(secrets)} would not come to rest: look at the clocks of the nodes`);
    secret = await secrets.write(secret, await takeStep(step, view, randomBytes), { signal });
    announce(options, secrets, step);
  }
}

function announce({ logger, events }: LeaderDutiesOptions, secrets: SecretStore, step: Exclude<RotationStep, { step: 'none' }>): void {
  const sentence = stepSentence(step, place(secrets));
  const broken = step.step === 'found' && step.why !== 'there is none yet';
  if (broken) logger.warn(sentence);
  else logger.info(sentence);
  events.emit(secrets.reference, {
    type: broken ? 'Warning' : 'Normal',
    reason: broken ? 'CertificateReplaced' : 'CertificateRotated',
    message: sentence,
    action: 'Rotate',
  });
}

function stepSentence(step: Exclude<RotationStep, { step: 'none' }>, where: string): string {
  switch (step.step) {
    case 'found':
      return `made a new CA and webhook certificate in ${where}: ${step.why}`;
    case 'announce':
      return `made the next CA in ${where}: it signs once every API server knows it`;
    case 'promote':
      return step.forced
        ? `the next CA in ${where} signs now, though the webhook object does not show it: put ca.crt into its caBundle`
        : `the next CA in ${where} signs now`;
    case 'leaf':
      return `renewed the webhook certificate in ${where}: ${step.why}`;
    case 'forget':
      return `took the CA of before out of ${where}`;
  }
}

/** Keeps the webhook object; only looks at it where that is somebody else's matter. */
async function register(options: LeaderDutiesOptions, reading: StateReading, signal: AbortSignal): Promise<KubeObject | undefined> {
  const { config, ownNamespace, registrar, logger, events, metrics } = options;
  if (!config.registration.enabled) return registrar.read({ signal });
  // A webhook without a certificate would only cost time.
  if (reading.kind === 'absent') return registrar.read({ signal });
  const caBundle = reading.kind === 'own' ? bundleOf(reading.state) : reading.kind === 'supplied' ? reading.ca : undefined;
  const wanted = webhookObject({ registration: config.registration, ownNamespace, caBundle });
  const { action, object } = await registrar.keep(wanted, { signal });
  if (action.action === 'none') return object;
  const name = config.registration.name;
  const rotated = action.action === 'patch' && action.differences.every((each) => each.startsWith('clientConfig.caBundle'));
  const sentence =
    action.action === 'create'
      ? `created MutatingWebhookConfiguration ${name}`
      : `put MutatingWebhookConfiguration ${name} right: ${action.differences.join(', ')}`;
  logger.info(sentence);
  if (action.action === 'patch' && !rotated) {
    metrics.repaired();
    events.emit(registrar.reference, { type: 'Warning', reason: 'WebhookRepaired', message: sentence, action: 'Register' });
  }
  return object;
}

function place({ reference }: SecretStore): string {
  return `Secret ${reference.namespace ?? ''}/${reference.name}`;
}
