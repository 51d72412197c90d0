import type { KubeObject } from '../../../core/model/object.ts';
import { Quantity } from '../../../core/units/index.ts';
import type { UsageTexts } from './answers.ts';

interface Row extends KubeObject {
  readonly window: string;
  readonly containers?: readonly { readonly usage: UsageTexts }[];
  readonly usage?: UsageTexts;
}

const columns = [
  { name: 'Name', type: 'string', format: 'name', description: 'Name of the resource' },
  { name: 'cpu', type: 'string', format: '', description: 'CPU of all containers' },
  { name: 'memory', type: 'string', format: '', description: 'Memory of all containers' },
  { name: 'Window', type: 'string', format: 'duration', description: 'Length of the measured window' },
].map((column) => ({ ...column, priority: 0 }));

/** The items as `kubectl get podmetrics` prints them. */
export function tableOf(items: readonly Row[]): object {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {},
    columnDefinitions: columns,
    rows: items.map((item) => {
      const usages = item.usage === undefined ? (item.containers ?? []).map(({ usage }) => usage) : [item.usage];
      return {
        cells: [item.metadata.name, total(usages, 'cpu'), total(usages, 'memory'), item.window],
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: item.metadata },
      };
    }),
  };
}

function total(usages: readonly UsageTexts[], resource: keyof UsageTexts): string {
  return usages.reduce((sum, usage) => sum.add(Quantity.parse(usage[resource])), Quantity.zero).toString();
}
