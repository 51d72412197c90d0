/** Which objects are node groups (§18). Pure. */
import { ConcertinaError } from '../../../../core/errors.ts';
import type { CapiKeys } from './names.ts';
import type { ScalableRecord } from './records.ts';

/** One `--node-group-auto-discovery=clusterapi:…`: all that it names must hold. */
export interface CapiDiscovery {
  readonly namespace?: string | undefined;
  readonly clusterName?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** `clusterapi:namespace=…,clusterName=…,label=value`; nothing after the colon allows all. Throws `CONFIG_INVALID`. */
export function parseCapiDiscovery(text: string): CapiDiscovery {
  const refused = (reason: string): ConcertinaError =>
    new ConcertinaError('CONFIG_INVALID', `--node-group-auto-discovery=${text} ${reason}.`, {
      details: { path: '--node-group-auto-discovery', value: text, reason },
    });
  const rest = /^clusterapi:(.*)$/s.exec(text)?.[1];
  if (rest === undefined) throw refused('is not clusterapi:[namespace=<name>][,clusterName=<name>][,<label>=<value>]');
  let namespace: string | undefined;
  let clusterName: string | undefined;
  const labels: Record<string, string> = {};
  for (const item of rest === '' ? [] : rest.split(',')) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(item) ?? [];
    if (key === '' || value === '') throw refused(`has ${JSON.stringify(item)} where <key>=<value> must stand`);
    if (key === 'namespace') namespace = value;
    else if (key === 'clusterName') clusterName = value;
    else labels[key] = value;
  }
  return { namespace, clusterName, labels };
}

/** Without any discovery everything is allowed; else what one of them allows. */
export function isAllowed(record: ScalableRecord, discovery: readonly CapiDiscovery[], keys: CapiKeys): boolean {
  return (
    discovery.length === 0 ||
    discovery.some(
      ({ namespace, clusterName, labels }) =>
        (namespace === undefined || namespace === record.namespace) &&
        (clusterName === undefined || clusterName === (record.clusterName || record.labels[keys.clusterName])) &&
        Object.entries(labels).every(([key, value]) => record.labels[key] === value),
    )
  );
}

/** Bounds of a group, or why the object is none; `reason` is undefined when it does not ask to be one. */
export type GroupBounds =
  { readonly min: number; readonly max: number } | { readonly min?: undefined; readonly reason: string | undefined };

/** Both annotations are needed; a maximum of 0 or below the minimum makes no group. */
export function boundsOf(annotations: Readonly<Record<string, string>>, keys: CapiKeys): GroupBounds {
  const minText = annotations[keys.minSize];
  const maxText = annotations[keys.maxSize];
  if (minText === undefined && maxText === undefined) return { reason: undefined };
  if (minText === undefined || maxText === undefined) {
    return { reason: `has only one of the annotations ${keys.minSize} and ${keys.maxSize}` };
  }
  const min = integerOf(minText);
  const max = integerOf(maxText);
  if (min === undefined) return { reason: `has ${keys.minSize}=${JSON.stringify(minText)}, which is not a whole number of 0 or more` };
  if (max === undefined) return { reason: `has ${keys.maxSize}=${JSON.stringify(maxText)}, which is not a whole number of 0 or more` };
  if (max === 0) return { reason: `has ${keys.maxSize}=0` };
  if (max < min) return { reason: `has a maximum of ${max}, less than its minimum of ${min}` };
  return { min, max };
}

function integerOf(text: string): number | undefined {
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
