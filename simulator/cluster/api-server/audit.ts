import type { ResourceType } from '../../../core/model/object.ts';
import type { UserInfo } from './types.ts';

/** One mutating request, over HTTP or in process, whether it succeeded or not. */
export interface AuditRecord {
  /** Who the request acts as. */
  readonly user: UserInfo;
  /** Who is behind an impersonation. */
  readonly impersonator?: UserInfo;
  readonly userAgent: string;
  /** create, update, patch, delete or deletecollection. */
  readonly verb: string;
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly dryRun: boolean;
  readonly code: number;
  /** The body as it was sent: the object, or the patch. */
  readonly requestObject: unknown;
  /** Epoch milliseconds of the server's clock. */
  readonly time: number;
}

export type AuditListener = (record: AuditRecord) => void;

export class AuditLog {
  readonly #listeners = new Set<AuditListener>();

  get active(): boolean {
    return this.#listeners.size > 0;
  }

  onAudit(listener: AuditListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  record(record: AuditRecord): void {
    for (const listener of this.#listeners) listener(record);
  }
}
