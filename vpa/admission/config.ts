/** Where the API server finds the webhook. */
export type WebhookAddress =
  | {
      readonly kind: 'service';
      readonly namespace: string;
      readonly name: string;
      /** Of the Service, not of the pod. */
      readonly port: number;
    }
  /** `https://host:port` without a path: for a program that runs outside of the cluster. */
  | { readonly kind: 'url'; readonly url: string };

export type CertificateSource =
  /** Own CA and certificates, in a Secret of the own namespace; with the label or annotation `concertina.dev/managed: "false"` on it they are only read. */
  | { readonly kind: 'secret'; readonly name: string }
  /** PEM files that somebody else renews; without `ca` the caBundle of the webhook object is left to somebody else too. */
  | { readonly kind: 'files'; readonly cert: string; readonly key: string; readonly ca?: string | undefined };

export interface CertificateConfig {
  readonly source: CertificateSource;
  readonly caLifetimeMs: number;
  readonly leafLifetimeMs: number;
  /** A CA or leaf is renewed when this share of its life is over. */
  readonly renewAt: number;
  /** Certificates are valid from so long ago on: clocks differ. */
  readonly backdateMs: number;
  /** How long a new CA stands in the webhook object before anything that it signed is served: every API server has to see it. */
  readonly bundleSettleMs: number;
  /** Between two looks at files. */
  readonly fileCheckMs: number;
}

export interface RegistrationConfig {
  /** False: the webhook object is somebody else's; it is only looked at. */
  readonly enabled: boolean;
  /** Of the MutatingWebhookConfiguration. */
  readonly name: string;
  readonly address: WebhookAddress;
  /** Seconds that the API server waits for an answer, 1…5: a pod is created that much later when this program hangs. */
  readonly timeoutSeconds: number;
  /** Not asked about these namespaces, beyond kube-system, kube-public, kube-node-lease and the own one. */
  readonly ignoredNamespaces: readonly string[];
  /** Asked about these only; empty: about all. */
  readonly onlyNamespaces: readonly string[];
  /** VerticalPodAutoscaler objects are validated too. */
  readonly validateVpas: boolean;
  /** Labels that the object carries, beyond those that others gave it. */
  readonly labels: Readonly<Record<string, string>>;
  /** Between two comparisons when no change was seen. */
  readonly checkMs: number;
}

export interface AdmissionLimits {
  /** Reviews that are worked on at once; what comes beyond is allowed unpatched. */
  readonly maxInFlight: number;
  /** Of one request; upstream's limit. */
  readonly maxBodyBytes: number;
  /** Of all requests that are being read or worked on. */
  readonly maxBodyBytesInFlight: number;
  readonly maxConnections: number;
  /** How long the owner of a pod is looked for; at most half of what the API server waits. */
  readonly lookupTimeoutMs: number;
  /** Go's client, which API servers call with, drops idle connections after 90 s: the server has to keep them for longer. */
  readonly keepAliveMs: number;
}

export interface AdmissionHealthConfig {
  /** Name and namespace of the Lease that says that admission works; `namespace` undefined: the own one. */
  readonly leaseName: string;
  readonly leaseNamespace: string | undefined;
  /** --status-lease-update-interval */
  readonly renewMs: number;
  /** --admission-controller-status-lease-timeout: older is unhealthy. */
  readonly timeoutMs: number;
  /** So many pods in a row that came without passing through admission: unhealthy. */
  readonly missedPods: number;
  /** After so long without another one those that were missed are forgotten, so that a hold is bounded. */
  readonly missedForgottenMs: number;
}

export interface AdmissionConfig {
  /**
   * Another program (the upstream admission controller) does the job: nothing is served or registered here, and its Lease, by default
   * kube-system/vpa-admission-controller, says whether it works.
   */
  readonly external: boolean;
  /** Where to listen. */
  readonly host: string;
  readonly port: number;
  /** DNS names and addresses of the certificate, beyond those that `registration.address` gives. */
  readonly extraNames: readonly string[];
  readonly certificates: CertificateConfig;
  readonly registration: RegistrationConfig;
  readonly limits: AdmissionLimits;
  readonly health: AdmissionHealthConfig;
  /** Reviews are answered, and nothing is patched. */
  readonly dryRun: boolean;
}

const day = 86_400_000;

/** Namespaces that are never sized: a cluster must be able to come up without this program. */
export const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease'] as const;

/** Name of Service, webhook object and Secret. */
export const defaultAdmissionName = 'concertina-vpa';

export const defaultAdmissionLimits: AdmissionLimits = {
  maxInFlight: 256,
  maxBodyBytes: 5 * 1024 * 1024,
  maxBodyBytesInFlight: 64 * 1024 * 1024,
  maxConnections: 2_048,
  lookupTimeoutMs: 2_000,
  keepAliveMs: 120_000,
};

export const defaultAdmissionHealth: AdmissionHealthConfig = {
  leaseName: 'concertina-vpa-admission',
  leaseNamespace: undefined,
  renewMs: 10_000,
  timeoutMs: 60_000,
  missedPods: 3,
  missedForgottenMs: 30 * 60_000,
};

/** What `external` reads when nothing else is said. */
export const upstreamAdmissionLease = { namespace: 'kube-system', name: 'vpa-admission-controller' } as const;

export const defaultCertificateConfig: CertificateConfig = {
  source: { kind: 'secret', name: `${defaultAdmissionName}-admission` },
  caLifetimeMs: 365 * day,
  leafLifetimeMs: 30 * day,
  renewAt: 2 / 3,
  backdateMs: 5 * 60_000,
  bundleSettleMs: 60_000,
  fileCheckMs: 10_000,
};

/** Defaults for a program in that namespace. */
export function defaultAdmissionConfig(namespace: string): AdmissionConfig {
  return {
    external: false,
    host: '0.0.0.0',
    port: 8000,
    extraNames: [],
    certificates: defaultCertificateConfig,
    registration: {
      enabled: true,
      name: defaultAdmissionName,
      address: { kind: 'service', namespace, name: defaultAdmissionName, port: 443 },
      timeoutSeconds: 5,
      ignoredNamespaces: [],
      onlyNamespaces: [],
      validateVpas: false,
      labels: {},
      checkMs: 60_000,
    },
    limits: defaultAdmissionLimits,
    health: defaultAdmissionHealth,
    dryRun: false,
  };
}

/** What the certificate has to be valid for: the names by which the API server calls, and loopback, by which the server looks at itself. */
export function certificateNames(config: AdmissionConfig): readonly string[] {
  return [...new Set([...addressNames(config.registration.address), ...config.extraNames, 'localhost', '127.0.0.1'])];
}

/** The name that the API server verifies. */
export function calledName(address: WebhookAddress): string {
  return addressNames(address)[0] ?? 'localhost';
}

function addressNames(address: WebhookAddress): readonly string[] {
  if (address.kind === 'url') return [new URL(address.url).hostname.replace(/^\[(.*)\]$/, '$1')];
  const { name, namespace } = address;
  return [`${name}.${namespace}.svc`, `${name}.${namespace}`, `${name}.${namespace}.svc.cluster.local`];
}

/** What is wrong with a configuration, one sentence each; empty when nothing is. */
export function admissionConfigProblems({ registration, limits, health, certificates }: AdmissionConfig): readonly string[] {
  const problems: string[] = [];
  const { address, timeoutSeconds } = registration;
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 1 || timeoutSeconds > 5) {
    problems.push(`the webhook's timeout is ${timeoutSeconds} s: it has to be a whole number from 1 to 5, or pods wait too long`);
  }
  if (address.kind === 'url' && !(URL.canParse(address.url) && new URL(address.url).protocol === 'https:')) {
    problems.push(`the webhook's address ${JSON.stringify(address.url)} is no https URL`);
  }
  if (limits.lookupTimeoutMs > timeoutSeconds * 500) {
    problems.push(
      `looking for owners may take ${limits.lookupTimeoutMs} ms: more than half of the webhook's timeout of ${timeoutSeconds} s`,
    );
  }
  if (health.renewMs * 2 > health.timeoutMs) {
    problems.push(
      `the Lease is renewed every ${health.renewMs} ms and stale after ${health.timeoutMs} ms: it needs two renewals in that time`,
    );
  }
  if (!(certificates.renewAt > 0 && certificates.renewAt < 1)) {
    problems.push(`certificates are renewed at ${certificates.renewAt} of their life: it has to be between 0 and 1`);
  }
  return problems;
}
