import type { LabelSelector } from '../kinds.ts';

export type Labels = Readonly<Record<string, string>>;

/** Answers whether labels match. */
export type LabelMatcher = (labels: Labels) => boolean;

const noLabels: Labels = {};

/** True for a selector without any requirement: it matches everything where one is allowed. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return selector !== undefined && Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** Compiles a `metav1.LabelSelector`: absent matches nothing, empty matches everything. An unknown operator matches nothing. */
export function compileSelector(selector: LabelSelector | undefined): LabelMatcher {
  if (selector === undefined || selector === null) return () => false;
  const equal = Object.entries(selector.matchLabels ?? {});
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }) => compileRequirement(key, operator, values ?? []));
  return (labels) => {
    for (const [key, value] of equal) if (labels[key] !== value) return false;
    for (const expression of expressions) if (!expression(labels)) return false;
    return true;
  };
}

function compileRequirement(key: string, operator: string, values: readonly string[]): LabelMatcher {
  switch (operator) {
    case 'In':
      return (labels) => {
        const value = labels[key];
        return value !== undefined && values.includes(value);
      };
    case 'NotIn':
      return (labels) => {
        const value = labels[key];
        return value === undefined || !values.includes(value);
      };
    case 'Exists':
      return (labels) => labels[key] !== undefined;
    case 'DoesNotExist':
      return (labels) => labels[key] === undefined;
    default:
      return () => false;
  }
}

/** The labels of an object, never undefined. */
export function labelsOf(object: { readonly metadata: { readonly labels?: Labels } }): Labels {
  return object.metadata.labels ?? noLabels;
}
