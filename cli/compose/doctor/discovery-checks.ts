import type { FoundServer } from '../../../metrics-aggregator/index.ts';
import { ok, skipped, type Check } from './check.ts';
import { unreadLine, type Reading } from './reading.ts';

/** A found server, with what the API server got of it when it was probed. */
export interface DiscoveredServer {
  readonly found: FoundServer;
  readonly answer: 'answers' | 'refuses' | 'fails' | undefined;
}

/** One line for each server that was found; the proposals stand after the lines. */
export function judgeDiscovery(servers: Reading<readonly DiscoveredServer[]>): Check[] {
  const check = 'discovery';
  if (!servers.ok) return [unreadLine(check, 'Services', servers)];
  if (servers.value.length === 0) {
    return [ok(check, 'no Service has the labels of a known Prometheus; a MetricSource for one elsewhere is written by hand')];
  }
  return servers.value.map((server) => judgeServer(server));
}

function judgeServer({ found, answer }: DiscoveredServer): Check {
  const { namespace, name, software, port, usedBy, proposal } = found;
  const check = `discovery/${namespace}/${name}`;
  const place = `Service ${namespace}/${name}:${port}`;
  const values = { software, namespace, name, port, usedBy: usedBy ?? null, answer };
  if (usedBy !== undefined) return ok(check, `${place} is ${software}, which MetricSource ${usedBy} names`, values);
  const said = answer === undefined ? '' : { answers: '; it answers', refuses: '; it answers and asks for credentials', fails: '' }[answer];
  if (answer === 'fails')
    return skipped(check, `${place} has the labels of ${software}, but did not answer as a Prometheus through the API server`, values);
  const message = `${place} looks like ${software}${said}; no MetricSource names it: "${proposal.manifest.metadata.name}" is proposed, to be completed and applied`;
  return ok(check, message, values);
}
