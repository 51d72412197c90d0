import type { MetricSourceSpec } from '../../../metrics-aggregator/index.ts';

/** One key of a Secret that a MetricSource refers to. */
export interface SecretReference {
  /** `spec.auth.bearer.secretRef`. */
  readonly path: string;
  readonly name: string;
  readonly key: string;
}

/** Every Secret key that a spec needs, in the order of the spec. */
export function secretReferences({ auth, tls }: MetricSourceSpec): readonly SecretReference[] {
  const found: SecretReference[] = [];
  const add = (path: string, reference: { readonly name: string; readonly key: string } | undefined): void => {
    if (reference !== undefined) found.push({ path, ...reference });
  };
  add('spec.auth.bearer.secretRef', auth?.bearer?.secretRef);
  add('spec.auth.basic.username', auth?.basic?.username);
  add('spec.auth.basic.password', auth?.basic?.password);
  const certificate = auth?.clientCertificate?.secretName;
  if (certificate !== undefined) {
    for (const key of ['tls.crt', 'tls.key']) found.push({ path: 'spec.auth.clientCertificate.secretName', name: certificate, key });
  }
  for (const [index, { secretRef }] of (auth?.headers ?? []).entries()) add(`spec.auth.headers[${index}].secretRef`, secretRef);
  add('spec.tls.ca', tls?.ca);
  return found;
}
