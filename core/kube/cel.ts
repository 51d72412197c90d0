/** One CEL rule for a CRD. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** Relative to where the rule stands: `.maxReplicas`. */
  readonly fieldPath?: string;
}

/** For `.meta()` of a schema: rules that the API server checks. */
export function cel(...rules: readonly CelRule[]): { 'x-kubernetes-validations': readonly CelRule[] } {
  return { 'x-kubernetes-validations': rules };
}
