import type { HistoryAnswer, HistoryFailure } from './history-client.ts';

/** A part of a question: some points of a block, for some namespaces. */
export interface Piece {
  readonly namespaces: readonly string[];
  /** Index of the first point in the block. */
  readonly first: number;
  readonly count: number;
}

/** What the server can bear, as far as it has said: learnt from refusals, kept for all questions that follow. */
export interface BearableSize {
  /** Points of one query. */
  points: number;
  /** Namespaces of one query. */
  namespaces: number;
}

/** Below an eighth of a block namespaces are asked for apart first. */
const leastShare = 8;

export interface AdaptiveQuery {
  readonly ask: (piece: Piece) => Promise<HistoryAnswer>;
  readonly size: BearableSize;
  /** Points of a whole block. */
  readonly blockPoints: number;
  /** Called for each refusal that leads to smaller pieces. */
  readonly onSplit?: (() => void) | undefined;
}

/**
 * Asks a question in as many pieces as it takes, one after the other. Where the server says that a piece is too much, the time is halved, then the
 * namespaces; what is still too much for one namespace is halved in time to the last point.
 */
export async function askAdaptively(query: AdaptiveQuery, piece: Piece): Promise<HistoryAnswer> {
  const { size } = query;
  const points = Math.min(piece.count, size.points);
  const namespaces = Math.min(piece.namespaces.length, size.namespaces);
  if (points < piece.count || namespaces < piece.namespaces.length) {
    // The sizes may shrink while the parts are asked for: each part looks for itself.
    for (const part of partsOf(piece, points, namespaces)) {
      const answer = await askAdaptively(query, part);
      if (!answer.ok) return answer;
    }
    return { ok: true };
  }
  const answer = await query.ask(piece);
  const least = Math.max(1, Math.ceil(query.blockPoints / leastShare));
  if (answer.ok) {
    const borne = Math.max(least, pointsBorne(piece.count, answer.requests ?? 1));
    if (borne < piece.count) {
      query.onSplit?.();
      size.points = Math.min(size.points, borne);
    }
    return answer;
  }
  if (!answer.tooMuch) return answer;
  query.onSplit?.();
  if (piece.count > least) {
    size.points = Math.min(size.points, Math.max(least, Math.ceil(piece.count / 2)));
    return askAdaptively(query, piece);
  }
  if (piece.namespaces.length > 1) {
    size.namespaces = Math.min(size.namespaces, Math.ceil(piece.namespaces.length / 2));
    return askAdaptively(query, piece);
  }
  return askBySingleHalves(query, piece, answer);
}

/**
 * A client that halves by itself, and forgets, would have the server refuse each question anew, after as much work as it can bear. One that was halved n times took
 * about n refusals and 2ⁿ answers.
 */
function pointsBorne(count: number, requests: number): number {
  let halvings = 0;
  while (halvings + 1 + 2 ** (halvings + 1) <= requests) halvings += 1;
  return Math.ceil(count / 2 ** halvings);
}

/**
 * A question that the server cannot answer in time does not always come back as too large: after two failures what was as large is asked in halves, then in
 * quarters. That is for the batch alone; what the server says that it cannot bear is kept.
 */
export async function withSmallerPieces<T>(
  size: BearableSize,
  { failures, points }: { readonly failures: number; readonly points: number },
  read: (size: BearableSize) => Promise<T>,
): Promise<T> {
  const halvings = Math.max(0, failures - 1);
  if (halvings === 0) return read(size);
  const first = Math.min(size.points, Math.ceil(points / 2 ** halvings));
  const some = { points: first, namespaces: size.namespaces };
  const answer = await read(some);
  if (some.points < first) size.points = some.points;
  size.namespaces = some.namespaces;
  return answer;
}

/** One large namespace does not make the pieces of all others small. */
async function askBySingleHalves(query: AdaptiveQuery, piece: Piece, refusal: HistoryFailure): Promise<HistoryAnswer> {
  if (piece.count <= 1) return refusal;
  const half = Math.ceil(piece.count / 2);
  for (const part of partsOf(piece, half, 1)) {
    const answer = await query.ask(part);
    if (answer.ok) continue;
    if (!answer.tooMuch) return answer;
    query.onSplit?.();
    const rest = await askBySingleHalves(query, part, answer);
    if (!rest.ok) return rest;
  }
  return { ok: true };
}

/** Namespace by namespace group, from early to late. */
function* partsOf({ namespaces, first, count }: Piece, points: number, most: number): Generator<Piece> {
  for (let from = 0; from < namespaces.length; from += most) {
    for (let at = 0; at < count; at += points) {
      yield { namespaces: namespaces.slice(from, from + most), first: first + at, count: Math.min(points, count - at) };
    }
  }
}
