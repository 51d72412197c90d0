import { objectOf, objectsOf } from '../json.ts';
import type { Json } from '../json.ts';

/** What a request wants to do: to a resource, or to a `path` that is none. */
export interface AccessAttributes {
  /** `get`, `list`, `create`, `patch`… */
  readonly verb: string;
  readonly group?: string | undefined;
  readonly resource?: string | undefined;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** For requests that concern no resource: `/healthz`, `/apis/apps`. */
  readonly path?: string | undefined;
}

/** A PolicyRule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceUrls: readonly string[];
}

export function rulesOf(role: Json): PolicyRule[] {
  return objectsOf(role['rules']).map((rule) => ({
    verbs: texts(rule['verbs']),
    apiGroups: texts(rule['apiGroups']),
    resources: texts(rule['resources']),
    resourceNames: texts(rule['resourceNames']),
    nonResourceUrls: texts(rule['nonResourceURLs']),
  }));
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

export function ruleAllows(rule: PolicyRule, wanted: AccessAttributes): boolean {
  if (!rule.verbs.includes('*') && !rule.verbs.includes(wanted.verb)) return false;
  if (wanted.path !== undefined) return pathMatches(rule.nonResourceUrls, wanted.path);
  return (
    (rule.apiGroups.includes('*') || rule.apiGroups.includes(wanted.group ?? '')) &&
    resourceMatches(rule.resources, wanted.resource ?? '', wanted.subresource ?? '') &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(wanted.name ?? ''))
  );
}

/** `pods` does not cover `pods/log`; a star before the slash covers that subresource of everything; `pods/*` is nothing to RBAC. */
function resourceMatches(resources: readonly string[], resource: string, subresource: string): boolean {
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.includes('*') || resources.includes(combined) || (subresource !== '' && resources.includes(`*/${subresource}`));
}

function pathMatches(urls: readonly string[], path: string): boolean {
  return urls.some((url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, ''))));
}

/** The attributes of a SubjectAccessReview's spec. */
export function attributesOf(spec: Json): AccessAttributes | undefined {
  const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
  if (spec['resourceAttributes'] !== undefined) {
    const wanted = objectOf(spec['resourceAttributes']);
    return {
      verb: text(wanted['verb']) ?? '',
      group: text(wanted['group']) ?? '',
      resource: text(wanted['resource']) ?? '',
      subresource: text(wanted['subresource']),
      namespace: text(wanted['namespace']),
      name: text(wanted['name']),
    };
  }
  if (spec['nonResourceAttributes'] === undefined) return undefined;
  const wanted = objectOf(spec['nonResourceAttributes']);
  return { verb: text(wanted['verb']) ?? '', path: text(wanted['path']) ?? '' };
}
