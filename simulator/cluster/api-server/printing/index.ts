import type { PrinterColumn } from '../../../../core/kube/crd-schema.ts';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { textOf } from '../json.ts';
import { timeSince } from './age.ts';
import { clusterColumns } from './cluster-columns.ts';
import type { ColumnPrinter } from './columns.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { findAll, parseJsonPath } from './json-path.ts';
import { workloadColumns } from './workload-columns.ts';

export { ageText } from './age.ts';
export { podSummary } from './pod-status.ts';
export type { PodSummary } from './pod-status.ts';

export interface PrintableKind {
  readonly type: Pick<ResourceType, 'group' | 'plural'>;
  /** Of a CRD version; without any, name and age are shown. */
  readonly printerColumns?: readonly PrinterColumn[];
}

export interface TableOptions {
  /** Wall time in epoch milliseconds, for ages. */
  readonly now: number;
  /** What stands beside each row; kubectl asks for `Metadata`, with `-o yaml` on top for `Object`. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

/** A `meta.k8s.io/v1` Table; the caller puts the list's `resourceVersion` and `continue` into its metadata. */
export function printTable(kind: PrintableKind, objects: readonly KubeObject[], options: TableOptions): KubeObject {
  const columns = columnsOf(kind);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {} as KubeObject['metadata'],
    columnDefinitions: columns.map(({ name, type, format, description, priority }) => ({ name, type, format, description, priority })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, options.now)),
      ...completion(kind, object),
      ...rowObject(object, options.includeObject),
    })),
  };
}

function columnsOf(kind: PrintableKind): readonly ColumnPrinter[] {
  const { group, plural } = kind.type;
  const key = group === '' ? plural : `${plural}.${group}`;
  const builtin = workloadColumns[key] ?? clusterColumns[key];
  if (builtin !== undefined) return builtin;
  const given = kind.printerColumns ?? [];
  return given.length === 0 ? [nameColumn, ageColumn] : [nameColumn, ...given.map(customColumn)];
}

/** A column of a CRD. As upstream only the first thing that the path leads to is shown, and nothing when it has another type than told. */
function customColumn(column: PrinterColumn): ColumnPrinter {
  const path = parseJsonPath(column.jsonPath);
  return {
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
    cell: (object, now) => {
      const [value] = path === undefined ? [] : findAll(path, object);
      return value === undefined || value === null ? null : customCell(column.type, value, now);
    },
  };
}

function customCell(type: PrinterColumn['type'], value: unknown, now: number): unknown {
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return timeSince(value, now);
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}

/** kubectl greys out rows of finished pods by this. */
function completion(kind: PrintableKind, object: KubeObject): object {
  if (kind.type.group !== '' || kind.type.plural !== 'pods') return {};
  const phase = textOf((object.status as { phase?: unknown } | undefined)?.phase);
  const message = { Succeeded: 'The pod has completed successfully.', Failed: 'The pod failed.' }[phase];
  return message === undefined ? {} : { conditions: [{ type: 'Completed', status: 'True', reason: phase, message }] };
}

function rowObject(object: KubeObject, include: TableOptions['includeObject']): object {
  if (include === 'None') return {};
  if (include === 'Object') return { object };
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } };
}
