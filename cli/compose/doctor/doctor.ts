import { errorCodes, type ConcertinaError } from '../../../core/errors.ts';
import type { FoundServer } from '../../../metrics-aggregator/index.ts';
import { fail, skipped, type Check } from './check.ts';
import { foreign } from './foreign-text.ts';
import { gather, type GatherOptions } from './gather.ts';
import { judgeCluster } from './judge.ts';
import { valueOr } from './reading.ts';
import { judgeServer, negligibleSkewMs, readServer } from './server-checks.ts';

export interface Findings {
  readonly checks: readonly Check[];
  /** Servers that look like a Prometheus. */
  readonly found: readonly FoundServer[];
  /** Epoch milliseconds, by the API server's clock where it is known. */
  readonly at: number;
}

/** Looks at everything that the program needs of a cluster. Writes nothing. */
export async function examine(options: Omit<GatherOptions, 'skewMs'>): Promise<Findings> {
  const { client, clock } = options;
  const server = await readServer(client, clock);
  const lines = judgeServer(server);
  if (!server.reached) return { checks: [...lines, nothingElse()], found: [], at: clock.now() };
  const skewMs = Math.abs(server.skewMs ?? 0) < negligibleSkewMs ? 0 : (server.skewMs ?? 0);
  const facts = await gather({ ...options, skewMs });
  // What was asked and did not answer is not worth a proposal.
  const found = valueOr(facts.servers, []).flatMap((server) => (server.answer === 'fails' ? [] : [server.found]));
  return { checks: [...lines, ...judgeCluster(facts)], found, at: facts.now };
}

function nothingElse(): Check {
  return skipped('everything-else', 'nothing else can be looked at before the API server answers');
}

/** The findings when there is no connection to look through: a kubeconfig that cannot be used. */
export function withoutConnection(error: ConcertinaError, at: number): Findings {
  const text = foreign(error.message, 400).replace(/\.$/, '');
  const { remedy } = errorCodes[error.code];
  const message = text.includes('; ') ? text : `${text}; ${remedy.charAt(0).toLowerCase()}${remedy.slice(1).replace(/\.$/, '')}`;
  return { checks: [fail('connection', message, { code: error.code }), nothingElse()], found: [], at };
}
