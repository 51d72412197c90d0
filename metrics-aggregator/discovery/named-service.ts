/** A Service of the cluster, by the URL that leads to it. */
export interface NamedService {
  readonly namespace: string;
  readonly name: string;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** Without a slash at the end. */
  readonly path: string;
}

/** The Service that a URL names by the cluster's DNS: `http://NAME.NAMESPACE.svc[.CLUSTER-DOMAIN][:PORT][/PATH]`, or `NAME.NAMESPACE`; else `undefined`. */
export function namedService(url: string): NamedService | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  const [name = '', namespace = '', svc] = hostname.replace(/\.$/, '').split('.');
  if (name === '' || namespace === '' || (svc !== undefined && svc !== 'svc') || /^\d+$/.test(namespace)) return undefined;
  const scheme = protocol === 'https:' ? 'https' : 'http';
  const usual = scheme === 'https' ? 443 : 80;
  return { namespace, name, scheme, port: port === '' ? usual : Number(port), path: pathname.replace(/\/+$/, '') };
}
