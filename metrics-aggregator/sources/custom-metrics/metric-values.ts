import { customMetricsSource, type SeriesSample } from '../../../core/model/metric-query.ts';
import { isRecord, itemsOf, measured, shown } from '../metric-list/index.ts';
import type { QueryAnswer } from '../source.ts';
import type { CustomMetricsVersion } from './version-discovery.ts';

/** What the values of an answer must describe. */
export interface MetricTarget {
  /** `undefined` for what is in no namespace. */
  readonly namespace: string | undefined;
  /** `undefined`: any number of objects. */
  readonly name: string | undefined;
  /** For sentences: metric, object and selector. */
  readonly subject: string;
}

interface Reading {
  readonly target: MetricTarget;
  readonly version: CustomMetricsVersion;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Names of pods that a warning tells. */
const maxNamed = 5;

/** A `MetricValueList` of either version as an answer. */
export function readMetricValues(document: Readonly<Record<string, unknown>>, reading: Reading): QueryAnswer {
  const { target } = reading;
  const items = itemsOf(document, 'MetricValueList');
  if (items === undefined) {
    return { ok: false, reason: 'invalid', detail: `${customMetricsSource} answered no MetricValueList for ${target.subject}` };
  }
  return target.name === undefined ? manyObjects(items, reading) : oneObject(items, target.name, reading);
}

/** The answer about one object is a list too; only one of exactly one value is an answer (as upstream). */
function oneObject(items: readonly unknown[], name: string, reading: Reading): QueryAnswer {
  const { subject } = reading.target;
  const [item] = items;
  if (items.length === 0) return { ok: false, reason: 'missing', detail: `${customMetricsSource} answered without a value for ${subject}` };
  if (items.length > 1) {
    const detail = `${customMetricsSource} answered ${items.length} values for ${subject}, where there can be only one`;
    return { ok: false, reason: 'invalid', detail };
  }
  const described = describedName(item, reading.target);
  if (described !== '' && described !== name) {
    const detail = `${customMetricsSource} answered about another object when asked for ${subject}`;
    return { ok: false, reason: 'invalid', detail };
  }
  const sample = sampleOf(item, name, reading);
  return { ok: true, series: sample === undefined ? [] : [sample], warnings: [], invalid: sample === undefined ? 1 : 0 };
}

function manyObjects(items: readonly unknown[], reading: Reading): QueryAnswer {
  const byName = new Map<string, SeriesSample>();
  const twice = new Set<string>();
  let invalid = 0;
  for (const item of items) {
    const name = describedName(item, reading.target);
    const sample = name === undefined || name === '' ? undefined : sampleOf(item, name, reading);
    if (sample === undefined) invalid += 1;
    else {
      if (byName.has(sample.object)) twice.add(sample.object);
      byName.set(sample.object, sample);
    }
  }
  return { ok: true, series: [...byName.values()], warnings: doubled(twice, reading.target), invalid };
}

/** Upstream lets the last of several values of a pod win without a word; which one is right nobody can tell. */
function doubled(names: ReadonlySet<string>, { subject }: MetricTarget): readonly string[] {
  if (names.size === 0) return [];
  const some = [...names].slice(0, maxNamed).map(shown).join(', ');
  return [`${names.size} of the objects have more than one value of ${subject} (${some}${names.size > maxNamed ? ', …' : ''})`];
}

/** The name of what an item describes: empty when the item does not say, `undefined` when it is in another namespace. */
function describedName(item: unknown, { namespace }: MetricTarget): string | undefined {
  const object = isRecord(item) ? item['describedObject'] : undefined;
  const { name, namespace: place } = isRecord(object) ? object : {};
  const elsewhere = namespace !== undefined && typeof place === 'string' && place !== '' && place !== namespace;
  if (elsewhere) return undefined;
  return typeof name === 'string' ? name : '';
}

function sampleOf(item: unknown, object: string, { version, now }: Reading): SeriesSample | undefined {
  if (!isRecord(item)) return undefined;
  const value = measured(item, version === 'v1beta1' ? 'window' : 'windowSeconds', now);
  return value === undefined ? undefined : { object, labels: {}, ...value };
}
