import { stringify } from 'yaml';
import type { KubeObject } from '../../core/model/object.ts';
import { apiVersionOf, resourceTypes } from '../../core/model/object.ts';
import type { KnownServer } from './known-servers.ts';

/** A MetricSource that nobody has applied. */
export interface SourceProposal {
  readonly manifest: KubeObject;
  /** The manifest for `kubectl apply -f -`, with comments on what to decide. */
  readonly yaml: string;
  readonly notes: readonly string[];
}

export interface ServerPlace {
  readonly namespace: string;
  readonly name: string;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly path: string;
}

/** The proposal for a Service. `taken` are names of MetricSources that there are; the one that is chosen is put in. */
export function proposeSource(
  { namespace, name, scheme, port, path }: ServerPlace,
  known: KnownServer,
  taken: Set<string>,
): SourceProposal {
  const own = freeName([known.type.toLowerCase(), `${known.type.toLowerCase()}-${namespace}`, `${name}-${namespace}`], taken);
  const manifest: KubeObject = {
    apiVersion: apiVersionOf(resourceTypes.metricSources),
    kind: resourceTypes.metricSources.kind,
    metadata: { name: own },
    spec: {
      type: known.type,
      url: `${scheme}://${name}.${namespace}.svc:${port}${path}`,
      ...(scheme === 'http' ? { plainHttp: true } : {}),
      allowedNamespaces: { names: [] },
    },
  };
  const notes = ['No namespace may use it before its name stands in spec.allowedNamespaces.names.', ...(known.notes ?? [])];
  if (scheme === 'https') notes.push('If its certificate is not signed by a public CA, name the CA in spec.tls.ca.');
  const comments = [`${known.software}, found by the labels of Service ${namespace}/${name}.`, ...notes].map((line) => `# ${line}\n`);
  return { manifest, yaml: `${comments.join('')}${stringify(manifest, { lineWidth: 0 })}`, notes };
}

function freeName(wishes: readonly string[], taken: Set<string>): string {
  const [last = 'prometheus'] = wishes.slice(-1);
  let name = wishes.find((wish) => !taken.has(wish));
  for (let count = 2; name === undefined; count++) if (!taken.has(`${last}-${count}`)) name = `${last}-${count}`;
  taken.add(name);
  return name;
}
