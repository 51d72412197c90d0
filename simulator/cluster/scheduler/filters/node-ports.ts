import type { Container, PodSpec } from '../../controllers/kinds.ts';
import { type Rejection, rejection } from './rejection.ts';

export interface HostPort {
  readonly port: number;
  readonly protocol: string;
  /** Empty: every address of the host. */
  readonly ip: string;
}

const conflict = rejection('NodePorts', ["node(s) didn't have free ports for the requested pod ports"], false);

/** The host ports of the containers and sidecars. */
export function hostPortsOf(spec: PodSpec): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...spec.containers, ...sidecars].flatMap(portsOf);
}

function portsOf(container: Container): HostPort[] {
  return (container.ports ?? [])
    .filter((port) => (port.hostPort ?? 0) > 0)
    .map(({ hostPort = 0, protocol = 'TCP', hostIP = '' }) => ({ port: hostPort, protocol, ip: hostIP === '0.0.0.0' ? '' : hostIP }));
}

/** Two ports clash when number and protocol are equal and the addresses are, or either is for all addresses. */
export function portsClash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '' || b.ip === '');
}

/** NodePorts. `used` are the ports of the node's pods. */
export function filterPorts(wanted: readonly HostPort[], used: Iterable<HostPort>): Rejection | undefined {
  if (wanted.length === 0) return undefined;
  for (const taken of used) if (wanted.some((port) => portsClash(port, taken))) return conflict;
  return undefined;
}
