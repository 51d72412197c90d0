import type { KubeObject } from '../../../../core/model/object.ts';
import type { Aggregation } from '../aggregation.ts';
import type { AuditLog } from '../audit.ts';
import type { RbacAuthorizer } from '../authorization/index.ts';
import type { Core } from '../core.ts';
import type { Faults } from '../faults.ts';
import type { Identities, Identity } from '../identity.ts';
import type { Kind } from '../kinds/kind.ts';
import type { ClusterRegistry } from '../registry.ts';
import type { ApiRequest, ApiResponse, UserInfo } from '../types.ts';
import type { Lister } from './lists.ts';
import type { RequestInfo } from './request-info.ts';

/** Text of the log of a container, for `kubectl logs`; undefined when there is none. */
export type LogSource = (pod: KubeObject, query: URLSearchParams) => string | undefined;

/** Everything that request handlers work with. */
export interface ServerContext {
  readonly core: Core;
  readonly registry: ClusterRegistry;
  readonly lister: Lister;
  readonly faults: Faults;
  readonly audit: AuditLog;
  readonly identities: Identities;
  readonly aggregation: Aggregation;
  readonly authorizer: RbacAuthorizer | undefined;
  /** Answers authorization reviews. */
  readonly review: (kind: Kind, object: KubeObject, user: UserInfo) => KubeObject;
  readonly logs: LogSource | undefined;
  readonly bookmarkIntervalMs: number;
}

/** One request on its way through the server. */
export interface Exchange {
  readonly server: ServerContext;
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly identity: Identity;
  readonly userAgent: string;
  readonly warnings: string[];
  /** The body as far as it was read, for the audit record. */
  requestObject: unknown;
  /** Name of the object, once a generated one is known. */
  objectName: string | undefined;
}

/** A request for a resource of the table. */
export interface ResourceExchange extends Exchange {
  readonly kind: Kind;
}

export type Handler = (exchange: ResourceExchange) => Promise<ApiResponse> | ApiResponse;
