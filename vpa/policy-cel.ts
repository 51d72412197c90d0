/** One CEL rule for a CRD. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** For `.meta()` of a schema: rules that the API server checks. */
export function cel(...rules: readonly CelRule[]): { 'x-kubernetes-validations': readonly CelRule[] } {
  return { 'x-kubernetes-validations': rules };
}

/** An int-or-string as a quantity. `string(int)` would do, but the API server estimates its cost beyond the budget and refuses the CRD. */
export function celQuantity(value: string): string {
  return `(type(${value}) == int ? quantity('0').add(${value}) : quantity(${value}))`;
}
