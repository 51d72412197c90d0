import type { CertificateConfig } from '../config.ts';
import { createAuthority, createLeaf, type KeyedCertificate, type RandomBytes } from './certificate.ts';
import { coversNames, factsOf, type CertificateFacts, type CertificateState, type StateReading } from './material.ts';

/**
 * One step of a rotation. A CA is replaced so that no request ever fails: `announce` puts a new one into the bundle of what callers believe, `promote`
 * serves what it signed once every caller can know it, `forget` drops the old one when nothing that it signed can be in use.
 */
export type RotationStep =
  | { readonly step: 'none' }
  | { readonly step: 'found'; readonly why: string }
  | { readonly step: 'announce' }
  | { readonly step: 'promote'; readonly forced: boolean }
  | { readonly step: 'leaf'; readonly why: string }
  | { readonly step: 'forget' };

export interface RotationView {
  readonly reading: StateReading;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly names: readonly string[];
  /** For how long the registered bundle has been seen to hold the next CA, milliseconds; `undefined`: it does not. */
  readonly nextPublishedMs: number | undefined;
  readonly config: CertificateConfig;
}

/** A certificate from further ahead was made by a clock that was wrong. */
const farFutureMs = 3_600_000;

/** What the leader should do to the Secret now; decided again after each step. */
export function planRotation(view: RotationView): RotationStep {
  const { reading, now } = view;
  if (reading.kind === 'supplied' || (reading.kind === 'broken' && reading.supplied)) return { step: 'none' };
  if (reading.kind === 'absent') return { step: 'found', why: 'there is none yet' };
  if (reading.kind === 'broken') return { step: 'found', why: reading.problem };
  const ca = factsOf(reading.state.ca.cert);
  if (ca.notAfter <= now) return { step: 'found', why: 'the CA has expired' };
  if (ca.notBefore > now + farFutureMs) return { step: 'found', why: 'the CA is from the future: a clock was wrong' };
  return planOwn(view, reading.state, ca);
}

function planOwn(view: RotationView, state: CertificateState, ca: CertificateFacts): RotationStep {
  const { now, names, config, nextPublishedMs } = view;
  if (state.next !== undefined) {
    if (nextPublishedMs !== undefined && nextPublishedMs >= config.bundleSettleMs) return { step: 'promote', forced: false };
    // Whoever writes the bundle did not do it: what is served would be believed by nobody in any case.
    if (share(ca, now) > (1 + config.renewAt) / 2) return { step: 'promote', forced: true };
  }
  const why = whyNewLeaf(factsOf(state.leaf.cert), ca, view);
  if (why !== undefined) return { step: 'leaf', why };
  if (!coversNames(state.leaf.cert, names)) return { step: 'leaf', why: `it is not valid for all of ${names.join(', ')}` };
  if (state.next === undefined && share(ca, now) >= config.renewAt) return { step: 'announce' };
  if (state.previous !== undefined && state.previous.until <= now) return { step: 'forget' };
  return { step: 'none' };
}

function whyNewLeaf(leaf: CertificateFacts, ca: CertificateFacts, { now, config }: RotationView): string | undefined {
  if (leaf.notAfter <= now) return 'it has expired';
  if (leaf.notBefore > now + farFutureMs) return 'it is from the future: a clock was wrong';
  // One that ends with its CA cannot be made to last longer by the same CA.
  if (leaf.notAfter >= ca.notAfter) return undefined;
  return share(leaf, now) >= config.renewAt ? 'most of its life is over' : undefined;
}

/** How much of a certificate's life is over. */
function share({ notBefore, notAfter }: CertificateFacts, now: number): number {
  return (now - notBefore) / (notAfter - notBefore);
}

/** Carries out a step; answers the state to be stored. */
export async function takeStep(
  step: Exclude<RotationStep, { step: 'none' }>,
  view: RotationView,
  randomBytes: RandomBytes,
): Promise<CertificateState> {
  const { reading } = view;
  if (step.step === 'found' || reading.kind !== 'own') return found(view, randomBytes);
  const { state } = reading;
  switch (step.step) {
    case 'announce':
      return { ...state, next: await authority(view, randomBytes) };
    case 'promote': {
      const ca = state.next ?? (await authority(view, randomBytes));
      return {
        ca,
        leaf: await leafUnder(ca, view, randomBytes),
        next: undefined,
        previous: { cert: state.ca.cert, until: Math.min(factsOf(state.ca.cert).notAfter, factsOf(state.leaf.cert).notAfter) },
      };
    }
    case 'leaf':
      return { ...state, leaf: await leafUnder(state.ca, view, randomBytes) };
    case 'forget':
      return { ...state, previous: undefined };
  }
}

/** A new beginning. What the CA of before signed is believed on, as long as it may be served by a copy that has not heard of it. */
async function found(view: RotationView, randomBytes: RandomBytes): Promise<CertificateState> {
  const { reading, now, config } = view;
  const ca = await authority(view, randomBytes);
  const before = reading.kind === 'own' ? reading.state.ca.cert : reading.kind === 'broken' ? reading.ca : undefined;
  const until = before === undefined ? now : Math.min(factsOf(before).notAfter, now + config.leafLifetimeMs);
  return {
    ca,
    leaf: await leafUnder(ca, view, randomBytes),
    next: undefined,
    previous: before === undefined || until <= now ? undefined : { cert: before, until },
  };
}

function authority({ now, config }: RotationView, randomBytes: RandomBytes): Promise<KeyedCertificate> {
  return createAuthority({
    // Two CAs of one name in a bundle would be told apart by their keys only, which not every verifier tries.
    commonName: `concertina-vpa CA ${Buffer.from(randomBytes(4)).toString('hex')}`,
    notBefore: now - config.backdateMs,
    notAfter: now + config.caLifetimeMs,
    randomBytes,
  });
}

function leafUnder(issuer: KeyedCertificate, { now, names, config }: RotationView, randomBytes: RandomBytes): Promise<KeyedCertificate> {
  return createLeaf({
    commonName: 'concertina-vpa admission',
    notBefore: now - config.backdateMs,
    notAfter: Math.min(now + config.leafLifetimeMs, factsOf(issuer.cert).notAfter),
    randomBytes,
    names,
    issuer,
  });
}

/** A certificate that nobody believes, so that a server can be up before there is one that somebody does. */
export async function provisionalLeaf(
  view: Pick<RotationView, 'now' | 'names' | 'config'>,
  randomBytes: RandomBytes,
): Promise<KeyedCertificate> {
  const all: RotationView = { ...view, reading: { kind: 'absent' }, nextPublishedMs: undefined };
  return leafUnder(await authority(all, randomBytes), all, randomBytes);
}
