import { isConcertinaError } from '../errors.ts';
import { ApiStatusError, isGone } from './status-error.ts';

/** What can go wrong with a mirror. None of it ends the reflector; every one is counted. */
export const failureKinds = [
  /** 410: the version that we know is compacted; the objects are listed anew. */
  'expired',
  /** The server answered, or broke the watch off, with another failure Status. */
  'status',
  /** No connection, or it broke. */
  'unreachable',
  /** An open watch on which nothing came for too long. */
  'stalled',
  /** A line that is no watch event, or an answer that is no list. */
  'malformed',
  'credentials',
  /** The server closes watches within a second of opening them, without an event. */
  'short-watch',
  /** The server does not know `sendInitialEvents`: pages from now on. */
  'watch-list-unsupported',
  /** The projector threw: the object keeps its last good projection, or stays out of the mirror. */
  'projector',
  /** A delta handler threw: the other handlers got the delta all the same. */
  'handler',
  'other',
] as const;

export type FailureKind = (typeof failureKinds)[number];

/** One failure, as `onFailure` gets it. */
export interface ReflectorFailure {
  readonly kind: FailureKind;
  readonly phase: 'list' | 'watch' | 'consume';
  readonly error: unknown;
  /** Milliseconds until the next attempt; 0 when none is needed. */
  readonly retryInMs: number;
}

/** The server does not do WatchList: list in pages. */
export class WatchListUnsupported extends Error {}

/** Servers before 1.27, or with the gate off, refuse the parameter as invalid; gateways may call it a bad request. */
export function refusesWatchList(thrown: unknown): boolean {
  return thrown instanceof ApiStatusError && (thrown.status.code === 422 || thrown.status.code === 400);
}

/** 429 and 503: the server is busy, its data are not in doubt. */
export function isOverload(thrown: unknown): boolean {
  return thrown instanceof ApiStatusError && (thrown.status.code === 429 || thrown.status.code === 503);
}

/** Names what was thrown. */
export function kindOf(thrown: unknown): FailureKind {
  if (isGone(thrown)) return 'expired';
  if (thrown instanceof ApiStatusError) return 'status';
  if (isConcertinaError(thrown, 'API_UNREACHABLE')) return thrown.details['reason'] === 'stalled' ? 'stalled' : 'unreachable';
  if (isConcertinaError(thrown, 'API_ANSWER_INVALID')) return 'malformed';
  if (isConcertinaError(thrown, 'CREDENTIALS_EXPIRED')) return 'credentials';
  return 'other';
}
