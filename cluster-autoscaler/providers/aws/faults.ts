/** What went wrong with a call of AWS, and what a person can do about it. */
import { ConcertinaError, messageOf, type ErrorCode } from '../../../core/errors.ts';
import type { ProviderFailure } from '../../engine/model.ts';

export type FaultKind =
  /** Too many calls; it had no effect. */
  | 'throttled'
  /** None found, refused, or no region. */
  | 'credentials'
  | 'forbidden'
  /** AWS said no. It had no effect. */
  | 'refused'
  /** No connection could be made. It had no effect. */
  | 'unreachable'
  /** No answer, a server error or an unreadable answer: whether it had an effect is not known. */
  | 'unclear'
  /** Whoever asked does not want it any more. */
  | 'aborted';

export interface AwsFault {
  readonly kind: FaultKind;
  /** AWS's code, or the name of the error. */
  readonly code: string;
  readonly message: string;
  readonly call: string;
  readonly group: string | undefined;
  readonly attempts: number;
  readonly cause: unknown;
}

const throttles = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'EC2ThrottledException',
  'PriorRequestNotComplete',
  'SlowDown',
  // Somebody else's change of the group is under way: the same again, a little later.
  'ResourceContention',
  'ResourceContentionFault',
]);

const credentials = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'UnrecognizedClientException',
  'AuthFailure',
  'RequestExpired',
  'OptInRequired',
]);

const forbidden = new Set(['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation']);

const notConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'CERT_HAS_EXPIRED']);

const serverCodes = new Set(['InternalFailure', 'InternalError', 'ServiceUnavailable', 'Unavailable', 'ServerInternal']);

/** Fields of the errors of SDK and Node. */
interface ThrownError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number };
  readonly $fault?: unknown;
}

/** Kind and code of what an SDK client threw. */
export function classify(thrown: unknown): Pick<AwsFault, 'kind' | 'code' | 'message'> {
  const error: ThrownError = typeof thrown === 'object' && thrown !== null ? thrown : {};
  const message = messageOf(thrown);
  const system = typeof error.code === 'string' ? error.code : '';
  const code = codeOf(error, system);
  return { kind: kindOf(error, code, message), code, message };
}

function codeOf(error: ThrownError, system: string): string {
  // What the service sent has AWS's code; the SDK's name for it may have a tail of its own (`ScalingActivityInProgressFault`).
  if (typeof error.Code === 'string' && error.Code !== '') return error.Code;
  const name = typeof error.name === 'string' ? error.name : '';
  // An error of the connection is a plain one with Node's code.
  if (['', 'Error', 'TypeError', 'AggregateError'].includes(name)) return system || name || 'Unknown';
  return name;
}

function kindOf(error: ThrownError, code: string, message: string): FaultKind {
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
  if (throttles.has(code) || status === 429) return 'throttled';
  if (credentials.has(code) || /region is missing/i.test(message)) return 'credentials';
  if (forbidden.has(code)) return 'forbidden';
  if (notConnected.has(code)) return 'unreachable';
  if (serverCodes.has(code) || (status !== undefined && status >= 500)) return 'unclear';
  // A page of HTML, a broken connection, a time-out: nobody knows what became of the call.
  return error.$fault === 'client' && status !== undefined ? 'refused' : 'unclear';
}

const codeOfKind: Readonly<Record<FaultKind, ErrorCode>> = {
  throttled: 'PROVIDER_THROTTLED',
  credentials: 'PROVIDER_CREDENTIALS',
  forbidden: 'PROVIDER_FORBIDDEN',
  refused: 'PROVIDER_UNREADABLE',
  unreachable: 'PROVIDER_UNREADABLE',
  unclear: 'PROVIDER_UNREADABLE',
  aborted: 'PROVIDER_UNREADABLE',
};

const advice: Readonly<Record<FaultKind, string>> = {
  throttled: 'it is tried again in the next loop',
  credentials:
    'set AWS_REGION and give the program a role (IRSA or Pod Identity on EKS, an instance profile) or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  forbidden: 'allow the action in the IAM policy of its role',
  refused: 'check the names of the groups and the region',
  unreachable: 'check the network, AWS_ENDPOINT_URL and VPC endpoints',
  unclear: 'it is tried again in the next loop',
  aborted: 'it was given up',
};

/** Where a fault was: ` of group workers in eu-west-1`. */
function whereOf({ group }: AwsFault, region: string): string {
  return `${group === undefined ? '' : ` of group ${group}`}${region === '' ? '' : ` in ${region}`}`;
}

/** One sentence with call, group, region, AWS's code and what to do. */
export function sentenceOf(fault: AwsFault, region: string): string {
  const tries = fault.attempts > 1 ? ` after ${fault.attempts} attempts` : '';
  return `${fault.call}${whereOf(fault, region)} failed${tries}: ${fault.code}: ${fault.message}; ${advice[fault.kind]}.`;
}

/** The coded fault to throw for a read. */
export function errorOf(fault: AwsFault, region: string): ConcertinaError {
  const { call, group, code, attempts, cause } = fault;
  return new ConcertinaError(codeOfKind[fault.kind], sentenceOf(fault, region), {
    cause,
    details: { call, group, region, code, attempts },
  });
}

/** The refusal to answer for a change. What AWS refused itself it has given the reason of. */
export function failureOf(fault: AwsFault, region: string): ProviderFailure {
  const { kind, call, code, message } = fault;
  const sentence = kind === 'refused' ? `${call}${whereOf(fault, region)} was refused: ${code}: ${message}` : sentenceOf(fault, region);
  return { class: 'other', code, message: sentence };
}
