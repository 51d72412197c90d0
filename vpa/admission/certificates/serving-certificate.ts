import type { ServerTls } from '../../../core/runtime/http-server.ts';
import type { KeyedCertificate } from './certificate.ts';
import { bundleVerifies, factsOf, type StateReading } from './material.ts';

/** Which certificate this copy serves, of those that the Secret has held. */
export interface ServingCertificate {
  /** Looks again after the Secret (or files), or the registered bundle, changed. */
  consider(reading: StateReading, registeredBundle: string | undefined): void;
  /** Why callers may not believe what is served now; `undefined`: nothing is known against it. */
  problem(): string | undefined;
}

export interface ServingCertificateOptions {
  readonly now: () => number;
  /** Served until there is a real one. */
  readonly provisional: KeyedCertificate;
  readonly install: (tls: ServerTls) => void;
  /** A new one is served now. */
  readonly onInstalled: (certificate: { readonly serving: number; readonly ca: number | undefined }) => void;
  /** A sentence for the log: something is not as it should be, or waits. */
  readonly onProblem: (sentence: string) => void;
}

/**
 * A certificate that the registered bundle does not verify yet is not served while the one before still is: so no order in which copies and API servers
 * hear of a rotation makes a request fail.
 */
export function createServingCertificate(options: ServingCertificateOptions): ServingCertificate {
  let served: { readonly leaf: KeyedCertificate; readonly provisional: boolean } = { leaf: options.provisional, provisional: true };
  let problem: string | undefined = 'there is no certificate yet: the leader has not made one';
  let told: string | undefined;

  const say = (sentence: string | undefined): void => {
    problem = sentence;
    if (sentence !== undefined && sentence !== told) options.onProblem(sentence);
    told = sentence;
  };

  const install = (leaf: KeyedCertificate, ca: string | undefined): void => {
    options.install({ cert: leaf.cert, key: leaf.key });
    served = { leaf, provisional: false };
    options.onInstalled({ serving: factsOf(leaf.cert).notAfter, ca: ca === undefined ? undefined : endOf(ca) });
  };

  return {
    problem: () => problem,
    consider: (reading, registeredBundle) => {
      switch (reading.kind) {
        case 'absent':
          // What was served is as good as before.
          if (served.provisional) say('there is no certificate yet: the leader has not made one');
          return;
        case 'broken':
          say(`the certificate cannot be used, the one before stays: ${reading.problem}`);
          return;
        case 'supplied':
          if (reading.leaf.cert !== served.leaf.cert) install(reading.leaf, reading.ca);
          say(undefined);
          return;
        case 'own': {
          const { leaf, ca } = reading.state;
          if (leaf.cert !== served.leaf.cert) {
            if (waits(registeredBundle, leaf.cert)) {
              options.onProblem('a new certificate waits until its CA is in the webhook object');
              return;
            }
            install(leaf, ca.cert);
          }
          say(undefined);
        }
      }
    },
  };

  function waits(bundle: string | undefined, candidate: string): boolean {
    if (served.provisional || bundle === undefined || bundleVerifies(bundle, candidate)) return false;
    return bundleVerifies(bundle, served.leaf.cert) && factsOf(served.leaf.cert).notAfter > options.now();
  }
}

function endOf(ca: string): number | undefined {
  try {
    return factsOf(ca).notAfter;
  } catch {
    return undefined;
  }
}
