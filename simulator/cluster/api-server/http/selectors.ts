import type { KubeObject } from '../../../../core/model/object.ts';
import { StatusError } from '../errors.ts';
import { objectOf, textOf, valueAt } from '../json.ts';
import { parseLabelSelector } from '../label-selectors.ts';
import type { LabelMatcher } from '../label-selectors.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Stored } from '../storage/stored.ts';

/** Which objects of a type a list, watch or deletecollection is about. */
export interface Selection {
  readonly namespace: string | undefined;
  /** undefined: all of them. */
  readonly matches: ((stored: Stored) => boolean) | undefined;
  /** The one name that the field selector allows. */
  readonly name: string | undefined;
}

interface FieldRequirement {
  readonly path: string;
  readonly value: string;
  readonly equal: boolean;
}

/** Values that a field has when it is left out. */
const fieldDefaults: Readonly<Record<string, string>> = {
  'spec.unschedulable': 'false',
  'spec.hostNetwork': 'false',
  'status.replicas': '0',
  'status.successful': '0',
};

export function selectionOf(kind: Kind, namespace: string, query: URLSearchParams): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(kind, query.get('fieldSelector') ?? '', query.get('labelSelector') ?? '');
  const name = fields.find((field) => field.path === 'metadata.name' && field.equal)?.value;
  return { namespace: namespace === '' ? undefined : namespace, matches: matcher(kind, labels, fields), name };
}

function matcher(
  kind: Kind,
  labels: LabelMatcher | undefined,
  fields: readonly FieldRequirement[],
): ((stored: Stored) => boolean) | undefined {
  if (labels === undefined && fields.length === 0) return undefined;
  return ({ object }) => {
    if (labels !== undefined && !labels(object.metadata.labels ?? noLabels)) return false;
    return fields.every((field) => (fieldValue(kind, object, field.path) === field.value) === field.equal);
  };
}

const noLabels: Readonly<Record<string, string>> = {};

function parseFieldSelector(kind: Kind, text: string, labelText: string): FieldRequirement[] {
  if (text.trim() === '') return [];
  return text.split(',').map((part) => {
    const match = /^\s*([^=!]+?)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part);
    if (match === null) throw badSelector(kind, { text, labelText, why: `invalid selector: '${part}'; can't understand '${part}'` });
    const [, path = '', operator, value = ''] = match;
    if (!isSelectable(kind, path)) throw badSelector(kind, { text, labelText, why: `field label not supported: ${path}` });
    return { path, value, equal: operator !== '!=' };
  });
}

function isSelectable(kind: Kind, path: string): boolean {
  if (path === 'metadata.name') return true;
  if (path === 'metadata.namespace') return kind.type.namespaced;
  return kind.selectableFields.includes(path);
}

function badSelector(kind: Kind, { text, labelText, why }: { text: string; labelText: string; why: string }): StatusError {
  const { group, version, plural } = kind.type;
  return new StatusError(
    400,
    'BadRequest',
    `Unable to find "${group}/${version}, Resource=${plural}" that match label selector "${labelText}", field selector "${text}": ${why}`,
  );
}

/** Names that events.k8s.io has for fields of the stored core event. */
const eventAliases: Readonly<Record<string, string>> = { regarding: 'involvedObject', reportingController: 'reportingComponent' };

function fieldValue(kind: Kind, object: KubeObject, path: string): string {
  if (kind.storageKey === '/events') return eventField(object, path);
  const value = valueAt(object, path);
  if (value === undefined || value === null || value === '') return fieldDefaults[path] ?? '';
  return String(value as string | number | boolean);
}

function eventField(object: KubeObject, path: string): string {
  if (path === 'source') return textOf(object['reportingComponent']) || textOf(objectOf(object['source'])['component']);
  const [head = '', ...rest] = path.split('.');
  const value = valueAt(object, [eventAliases[head] ?? head, ...rest].join('.'));
  return value === undefined || value === null ? '' : String(value as string);
}
