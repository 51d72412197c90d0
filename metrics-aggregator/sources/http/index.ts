export { judgeAddress, type AddressPermit, type AddressVerdict } from './address-rules.ts';
export type { HostLookup, HttpTls, ResolvedAddress } from './guarded-connect.ts';
export {
  createGuardedHttp,
  type FormFields,
  type GuardedHttp,
  type GuardedHttpOptions,
  type GuardedHttpResult,
  type HttpAnswer,
  type HttpRequest,
} from './guarded-http.ts';
export type { HttpFailure, HttpFailureKind } from './http-failure.ts';
export type { HttpCredentials } from './http-headers.ts';
