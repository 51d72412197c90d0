import type { KubeObject } from '../../core/model/object.ts';

/** A failure of a mirror, as far as it is told. */
export interface MirrorFailure {
  readonly kind: string;
  readonly phase: string;
  readonly error: unknown;
  readonly retryInMs: number;
}

export function withoutManagedFields(raw: KubeObject): KubeObject {
  const { managedFields: _managed, ...metadata } = raw.metadata;
  return { ...raw, metadata };
}
