/**
 * Every fault that the suite raises by itself carries one of these codes. `docs/errors.md` is generated from this table
 * (`npm run gen`) and a test keeps the two equal. Expected outcomes (no metric, conflict, throttled) are values, never one of these.
 */
export const errorCodes = {
  CONFIG_INVALID: {
    when: 'A flag, file or environment setting is unknown or has a bad value.',
    remedy: 'Correct the setting at the path that the message names.',
  },
  QUANTITY_INVALID: {
    when: 'A text is not a Kubernetes quantity.',
    remedy: 'Write a decimal number with an optional suffix: 100m, 1.5Gi, 2e3.',
  },
  DURATION_INVALID: { when: 'A text is not a duration.', remedy: 'Write a Go duration such as 90s, 5m or 1h30m, or a number of seconds.' },
  PERCENT_INVALID: {
    when: 'A value is neither a count nor a percentage.',
    remedy: 'Write a whole number such as 1, or a share such as "50%".',
  },
  SELECTOR_INVALID: {
    when: 'A label selector cannot be parsed.',
    remedy: 'Use key=value, key in (a,b), key notin (a,b), key or !key, joined by commas.',
  },
  KUBECONFIG_INVALID: {
    when: 'The kubeconfig is missing, unreadable, broken, or names a context, cluster or user that is not in it.',
    remedy: 'Check the path in --kubeconfig or $KUBECONFIG and the context with `kubectl config get-contexts`.',
  },
  CREDENTIALS_EXPIRED: {
    when: 'The API server refused the credentials (401), or the client certificate is past its date.',
    remedy: 'Log in again or renew the certificate or token that the kubeconfig names.',
  },
  API_UNREACHABLE: {
    when: 'No connection to the API server could be made.',
    remedy: 'Check the server address in the kubeconfig, the network and whether the API server runs.',
  },
  API_STATUS: {
    when: 'The API server answered with a failure Status.',
    remedy: 'Read the reason in the message; for Forbidden grant the named verb, for NotFound check the name.',
  },
  API_ANSWER_INVALID: {
    when: 'An answer of the API server is not what its path promises (not JSON, cut short, wrong kind).',
    remedy: 'Check for a proxy between the program and the API server.',
  },
  FENCED: {
    when: 'A write was stopped: this process does not hold the lease, or runs dry, or is shutting down.',
    remedy: 'None needed: the leader acts. For a dry run remove --dry-run to act.',
  },
  SNAPSHOT_INVALID: {
    when: 'A snapshot file is cut short, is not a snapshot, or was written by an unknown version.',
    remedy: 'Take it again with `concertina snapshot`.',
  },
  POLICY_INVALID: {
    when: 'A policy object cannot be used: a field is unknown, out of range or not supported yet.',
    remedy: 'Correct the field at the path that the message names.',
  },
  PROVIDER_UNREADABLE: {
    when: 'The cloud cannot be read: no connection, a server error, a call that it refuses, or an answer that is none.',
    remedy:
      'Check the endpoint that the message names (AWS_ENDPOINT_URL, a proxy, VPC endpoints for autoscaling and ec2); the next loop tries again.',
  },
  PROVIDER_THROTTLED: {
    when: 'The cloud refused a call because there were too many, also after pauses.',
    remedy: 'None at once: the next loop tries again. If it lasts, lengthen --scan-interval or have the API limits of the account raised.',
  },
  PROVIDER_CREDENTIALS: {
    when: 'No credentials for the cloud were found, or it does not accept them, or no region is set.',
    remedy:
      'On EKS give the service account a role (IRSA or Pod Identity), elsewhere an instance profile or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; set AWS_REGION.',
  },
  PROVIDER_FORBIDDEN: {
    when: 'The credentials may not make a call of the cloud.',
    remedy: 'Allow the action that the message names; the whole policy stands in cluster-autoscaler/providers/README.md.',
  },
  PROVIDER_SDK_MISSING: {
    when: 'A package that the provider talks to its cloud with is not installed.',
    remedy: 'Install the package that the message names, in the version of package.json.',
  },
  PROVIDER_GROUP_UNKNOWN: {
    when: 'Something was asked of a node group that the provider does not know, or that the cloud no longer has.',
    remedy: 'Check the name, the flags --nodes and --node-group-auto-discovery, and the region.',
  },
  INTERNAL: { when: 'Something that should be impossible happened.', remedy: 'Report it with the log lines around it.' },
} as const satisfies Record<string, { readonly when: string; readonly remedy: string }>;

/** A stable code of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** Options of {@link ConcertinaError}: `details` are machine-readable facts about the fault (object, path, value). */
export interface ErrorOptions {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error class: the message is one sentence that names the object, the value and what to do. */
export class ConcertinaError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ConcertinaError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** True when the value is a {@link ConcertinaError}, of the given code if one is named. */
export function isConcertinaError(value: unknown, code?: ErrorCode): value is ConcertinaError {
  return value instanceof ConcertinaError && (code === undefined || value.code === code);
}

/** The text of anything that was thrown, for a log line or a condition. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'string' ? thrown : JSON.stringify(thrown);
}
