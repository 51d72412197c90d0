import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import { selectorText } from '../label-selectors.ts';
import { timeSince } from './age.ts';

/** A column of a `Table`. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

/** A column with the cell that it makes of an object. As upstream, the type of a column and that of its cells need not agree. */
export interface ColumnPrinter extends TableColumn {
  readonly cell: (object: KubeObject, now: number) => unknown;
}

type Cell = ColumnPrinter['cell'];

const nameText =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.';
const ageDescription =
  'CreationTimestamp is a timestamp representing the server time when this object was created, in RFC3339 form and in UTC.';

export const nameColumn: ColumnPrinter = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: nameText,
  priority: 0,
  cell: (object) => object.metadata.name,
};

export const ageColumn: ColumnPrinter = {
  name: 'Age',
  type: 'string',
  format: '',
  description: ageDescription,
  priority: 0,
  cell: (object, now) => timeSince(object.metadata.creationTimestamp, now),
};

/** When it was made, as a time: what roles, limit ranges and CRDs show. */
export const createdAtColumn: ColumnPrinter = {
  name: 'Created At',
  type: 'date',
  format: '',
  description: ageDescription,
  priority: 0,
  cell: (object) => object.metadata.creationTimestamp ?? null,
};

export function text(name: string, cell: Cell): ColumnPrinter {
  return { name, type: 'string', format: '', description: name, priority: 0, cell };
}

export function integer(name: string, cell: Cell): ColumnPrinter {
  return { ...text(name, cell), type: 'integer' };
}

export function wide(name: string, cell: Cell): ColumnPrinter {
  return { ...text(name, cell), priority: 1 };
}

export const specOf = (object: KubeObject): Json => objectOf(object.spec);
export const statusOf = (object: KubeObject): Json => objectOf(object.status);

export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

export function orNone(value: unknown): string {
  const shown = typeof value === 'number' ? String(value) : textOf(value);
  return shown === '' ? '<none>' : shown;
}

/** `a=b,c=d` in key order; `<none>` for no labels. */
export function labelsText(labels: unknown): string {
  const entries = Object.entries(objectOf(labels)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? '<none>' : entries.map(([key, value]) => `${key}=${textOf(value)}`).join(',');
}

export function selectorCell(selector: unknown): string {
  const shown = selectorText(objectOf(selector));
  return shown === '' ? '<none>' : shown;
}

/** The three wide columns of everything that has a pod template. */
export function templateColumns(template: (object: KubeObject) => Json, selector?: (object: KubeObject) => unknown): ColumnPrinter[] {
  const containers = (object: KubeObject): Json[] => objectsOf(objectOf(template(object)['spec'])['containers']);
  const list =
    (field: string): Cell =>
    (object) =>
      containers(object)
        .map((container) => textOf(container[field]))
        .join(',');
  return [
    wide('Containers', list('name')),
    wide('Images', list('image')),
    ...(selector === undefined ? [] : [wide('Selector', (object) => selectorCell(selector(object)))]),
  ];
}
