import type { KubeObject } from '../../core/model/object.ts';
import { isRecord } from './is-record.ts';
import { knownServers, type KnownServer } from './known-servers.ts';
import { namedService } from './named-service.ts';
import { proposeSource, type SourceProposal } from './propose-source.ts';

/** A Service that looks like a Prometheus, or like what speaks its protocol. */
export interface FoundServer {
  readonly namespace: string;
  readonly name: string;
  /** `https` when the port says so. */
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** Path below which `/api/v1` lies; empty: at the root. */
  readonly path: string;
  readonly software: string;
  /** MetricSource that names this Service already. */
  readonly usedBy: string | undefined;
  /** What an administrator may look at, complete and apply. */
  readonly proposal: SourceProposal;
}

/** The MetricSources that there are: their names are taken, and what their URLs lead to needs no proposal. */
export interface DeclaredSource {
  readonly name: string;
  readonly url: string;
}

/**
 * Finds Prometheus servers among the Services of a cluster by the labels that their usual charts give them (metrics specification §C.1). Nothing is asked
 * and nothing is used: the answer is a proposal for a person. In order of namespace and name.
 */
export function findServers(services: readonly KubeObject[], declared: readonly DeclaredSource[]): readonly FoundServer[] {
  const candidates = services.flatMap(candidateOf).toSorted(byPlace);
  const kept = candidates.filter((candidate) => !candidates.some((other) => other !== candidate && governs(candidate, other)));
  const taken = new Set(declared.map(({ name }) => name));
  return kept.map((candidate) => foundOf(candidate, declared, taken));
}

interface Candidate {
  readonly namespace: string;
  readonly name: string;
  readonly headless: boolean;
  readonly selector: Readonly<Record<string, unknown>>;
  readonly known: KnownServer;
  readonly port: ServicePort;
}

interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly secure: boolean;
}

function candidateOf({ metadata, spec }: KubeObject): Candidate[] {
  const labels = metadata.labels ?? {};
  const known = knownServers.find((server) => Object.entries(server.labels).every(([key, value]) => labels[key] === value));
  if (known === undefined || !isRecord(spec) || spec['type'] === 'ExternalName') return [];
  const port = choosePort(portsOf(spec['ports']), known);
  if (port === undefined) return [];
  const selector = isRecord(spec['selector']) ? spec['selector'] : {};
  return [{ namespace: metadata.namespace ?? '', name: metadata.name, headless: spec['clusterIP'] === 'None', selector, known, port }];
}

function portsOf(raw: unknown): ServicePort[] {
  if (!Array.isArray(raw)) return [];
  return (raw as unknown[]).flatMap((each) => {
    if (!isRecord(each) || typeof each['port'] !== 'number' || (each['protocol'] ?? 'TCP') !== 'TCP') return [];
    const { port } = each;
    const name = typeof each['name'] === 'string' ? each['name'] : '';
    return [{ name, port, secure: name === 'https' || port === 443 || each['appProtocol'] === 'https' }];
  });
}

function choosePort(ports: readonly ServicePort[], { portNames, port }: KnownServer): ServicePort | undefined {
  for (const name of portNames) {
    const found = ports.find((each) => each.name === name);
    if (found !== undefined) return found;
  }
  return ports.find((each) => each.port === port) ?? (ports.length === 1 ? ports[0] : undefined);
}

/** A headless Service over the pods of another one, as the operator's `prometheus-operated`: one server is not proposed twice. */
function governs(candidate: Candidate, other: Candidate): boolean {
  if (!candidate.headless || other.headless || candidate.namespace !== other.namespace || candidate.known.type !== other.known.type)
    return false;
  const selector = Object.entries(candidate.selector);
  return selector.length > 0 && selector.every(([key, value]) => other.selector[key] === value);
}

function byPlace(a: Candidate, b: Candidate): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

function foundOf({ namespace, name, known, port }: Candidate, declared: readonly DeclaredSource[], taken: Set<string>): FoundServer {
  const place = { namespace, name, scheme: port.secure ? ('https' as const) : ('http' as const), port: port.port, path: known.path };
  const user = declared.find(({ url }) => {
    const service = namedService(url);
    return service?.name === name && service.namespace === namespace;
  });
  return { ...place, software: known.software, usedBy: user?.name, proposal: proposeSource(place, known, taken) };
}
