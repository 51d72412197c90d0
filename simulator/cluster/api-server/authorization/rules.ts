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
  /** What the field selector of a list, watch or deletecollection demands to be equal: value by field. */
  readonly fieldSelector?: Readonly<Record<string, string>> | undefined;
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

/** A request as far as its path and method say what it wants; empty texts where they say nothing. */
export interface RequestTarget {
  readonly verb: string;
  readonly isResource: boolean;
  readonly path: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

const selecting = ['list', 'watch', 'deletecollection'];

/** The attributes of a request. A list or watch of the one name that its field selector allows counts as of that name. */
export function requestAttributes(target: RequestTarget, query: URLSearchParams): AccessAttributes {
  const { verb, group, resource } = target;
  if (!target.isResource) return { verb, path: target.path };
  const fieldSelector = selecting.includes(verb) ? equalFields(query.get('fieldSelector') ?? '') : undefined;
  const name = text(target.name) ?? fieldSelector?.['metadata.name'];
  return { verb, group, resource, subresource: text(target.subresource), namespace: text(target.namespace), name, fieldSelector };
}

function equalFields(selector: string): Readonly<Record<string, string>> | undefined {
  const fields: Record<string, string> = {};
  for (const part of selector.split(',')) {
    const [, path, value] = /^\s*([^=!]+?)\s*==?\s*(.*?)\s*$/.exec(part) ?? [];
    if (path !== undefined && value !== undefined) fields[path] = value;
  }
  return Object.keys(fields).length === 0 ? undefined : fields;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The equalities of a review's `fieldSelector`, given raw or as requirements. */
function reviewedFields(selector: unknown): Readonly<Record<string, string>> | undefined {
  const { rawSelector, requirements } = objectOf(selector);
  const raw = text(rawSelector);
  if (raw !== undefined) return equalFields(raw);
  const fields: Record<string, string> = {};
  for (const requirement of objectsOf(requirements)) {
    const [value, ...more] = texts(requirement['values']);
    const key = text(requirement['key']);
    if (requirement['operator'] === 'In' && key !== undefined && value !== undefined && more.length === 0) fields[key] = value;
  }
  return Object.keys(fields).length === 0 ? undefined : fields;
}

/** The attributes of a SubjectAccessReview's spec. */
export function attributesOf(spec: Json): AccessAttributes | undefined {
  if (spec['resourceAttributes'] !== undefined) {
    const wanted = objectOf(spec['resourceAttributes']);
    return {
      verb: text(wanted['verb']) ?? '',
      group: text(wanted['group']) ?? '',
      resource: text(wanted['resource']) ?? '',
      subresource: text(wanted['subresource']),
      namespace: text(wanted['namespace']),
      name: text(wanted['name']),
      fieldSelector: reviewedFields(wanted['fieldSelector']),
    };
  }
  if (spec['nonResourceAttributes'] === undefined) return undefined;
  const wanted = objectOf(spec['nonResourceAttributes']);
  return { verb: text(wanted['verb']) ?? '', path: text(wanted['path']) ?? '' };
}
