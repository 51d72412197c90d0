import type { Doubt } from '../../core/model/sample.ts';

/** Who answers for an API group, as its APIService says: `namespace/name:port`. */
export interface OwnerState {
  /** The owner that is trusted; `undefined` until one was seen. */
  readonly trusted: string | undefined;
  /** Another one, and since when it is there, epoch milliseconds. */
  readonly other: { readonly owner: string; readonly since: number } | undefined;
}

export const noOwner: OwnerState = { trusted: undefined, other: undefined };

/** After so long another owner is taken for the right one, milliseconds: a hold has an end. */
export const ownerHoldMs = 900_000;

/**
 * A takeover of an API group does not fail: metrics vanish, or another program answers with numbers of its own (§A.5). While another server than before
 * answers nothing shrinks on what it says; after `ownerHoldMs` it is trusted. `owner` is undefined when there is no APIService or it was not readable.
 */
export function judgeOwner(
  state: OwnerState,
  owner: string | undefined,
  { group, now }: { readonly group: string; readonly now: number },
): { readonly state: OwnerState; readonly doubt: Doubt | undefined } {
  if (owner === undefined) return { state, doubt: state.other === undefined ? undefined : doubtOf(state, state.other, group) };
  if (state.trusted === undefined || owner === state.trusted) return { state: { trusted: owner, other: undefined }, doubt: undefined };
  const other = state.other?.owner === owner ? state.other : { owner, since: now };
  if (now - other.since >= ownerHoldMs) return { state: { trusted: owner, other: undefined }, doubt: undefined };
  return { state: { trusted: state.trusted, other }, doubt: doubtOf(state, other, group) };
}

function doubtOf({ trusted }: OwnerState, { owner, since }: NonNullable<OwnerState['other']>, group: string): Doubt {
  const detail = `${group} is answered by ${owner} and no longer by ${trusted ?? 'nobody'}; if that is meant to be, it is trusted in ${ownerHoldMs / 60_000} min`;
  return { reason: 'source-changed', detail, since, until: since + ownerHoldMs };
}
