import type { KubeObject, ResourceType } from '../../../core/model/object.ts';
import { matchesSelector, parseSelector, type Labels, type Selector } from '../../../core/model/selector.ts';
import { Quantity } from '../../../core/units/quantity.ts';
import type { AdapterValue, Amount, ExternalSeries, ObjectSeries, PodSeries, PodValue, SeriesOptions } from './types.ts';

/** The value of one object or series at one time. */
export interface Reading {
  readonly quantity: Quantity;
  readonly windowSeconds: number | undefined;
}

interface Entry<S, V> {
  readonly series: S;
  readonly labels: Labels;
  readonly value: V;
  readonly windowSeconds: number | undefined;
}

type PodEntry = Entry<PodSeries, PodValue> & { readonly pods: Selector };

/** The object that a path names. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string;
  /** There for pods. */
  readonly pod: KubeObject | undefined;
}

/** What was set, by metric: the time series database behind the adapter. */
export class SeriesStore {
  readonly #objects = new Map<string, Entry<ObjectSeries, AdapterValue>>();
  readonly #pods = new Map<string, PodEntry>();
  readonly #external = new Map<string, Entry<ExternalSeries, AdapterValue>>();

  setObject(series: ObjectSeries, value: AdapterValue | undefined, options: SeriesOptions = {}): void {
    const { type, namespace = '', name, metric, labels = {} } = series;
    const key = JSON.stringify([resourceName(type), namespace, name, metric, labelText(labels)]);
    put(this.#objects, key, value === undefined ? undefined : { series, labels, value, windowSeconds: options.windowSeconds });
  }

  setPods(series: PodSeries, value: PodValue | undefined, options: SeriesOptions = {}): void {
    const { namespace, selector, metric, labels = {} } = series;
    const pods = parseSelector(selector);
    const key = JSON.stringify([namespace, selector, metric, labelText(labels)]);
    put(this.#pods, key, value === undefined ? undefined : { series, labels, value, windowSeconds: options.windowSeconds, pods });
  }

  setExternal(series: ExternalSeries, value: AdapterValue | undefined, options: SeriesOptions = {}): void {
    const { namespace, metric, labels = {} } = series;
    const key = JSON.stringify([namespace, metric, labelText(labels)]);
    put(this.#external, key, value === undefined ? undefined : { series, labels, value, windowSeconds: options.windowSeconds });
  }

  clear(): void {
    for (const map of [this.#objects, this.#pods, this.#external]) map.clear();
  }

  /** The type of objects that a path means by `services` or `deployments.apps`, as far as something was set about one. */
  typeOf(resource: string): ResourceType | undefined {
    for (const { series } of this.#objects.values()) if (resourceName(series.type) === resource) return series.type;
    return undefined;
  }

  /** Whether there is any series of that name: an unknown metric is an error, one without a value here an empty list. */
  knows(metric: string): boolean {
    return [...this.#objects.values(), ...this.#pods.values()].some(({ series }) => series.metric === metric);
  }

  knowsExternal(metric: string): boolean {
    return [...this.#external.values()].some(({ series }) => series.metric === metric);
  }

  /** The sum of the series about the object that the selector picks; `undefined` when there is none or it is no number. */
  read(target: Target, metric: string, selector: Selector, now: number): Reading | undefined {
    const { pod } = target;
    const parts: Part[] = [];
    for (const { series, labels, value, windowSeconds } of this.#objects.values()) {
      if (series.metric === metric && isAbout(series, target) && matchesSelector(selector, labels)) {
        parts.push({ amount: valueAt(value, now), windowSeconds });
      }
    }
    for (const { series, labels, value, windowSeconds, pods } of pod === undefined ? [] : this.#pods.values()) {
      if (pod === undefined || series.metric !== metric || !isOf(series, pods, pod) || !matchesSelector(selector, labels)) continue;
      parts.push({ amount: typeof value === 'function' ? value(now, pod) : value, windowSeconds });
    }
    return sum(parts);
  }

  /** Each series of that name and namespace that has a value, in the order of its labels. */
  external(namespace: string, metric: string, selector: Selector, now: number): readonly (Reading & { readonly labels: Labels })[] {
    const found: (Reading & { readonly labels: Labels })[] = [];
    for (const { series, labels, value, windowSeconds } of this.#external.values()) {
      if (series.metric !== metric || series.namespace !== namespace || !matchesSelector(selector, labels)) continue;
      const reading = sum([{ amount: valueAt(value, now), windowSeconds }]);
      if (reading !== undefined) found.push({ ...reading, labels });
    }
    return found.sort((a, b) => (labelText(a.labels) < labelText(b.labels) ? -1 : 1));
  }
}

export function resourceName({ group, plural }: ResourceType): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function isAbout(series: ObjectSeries, { type, namespace, name }: Target): boolean {
  return resourceName(series.type) === resourceName(type) && (series.namespace ?? '') === (namespace ?? '') && series.name === name;
}

function isOf(series: PodSeries, pods: Selector, pod: KubeObject): boolean {
  return series.namespace === pod.metadata.namespace && matchesSelector(pods, pod.metadata.labels ?? {});
}

function valueAt(value: AdapterValue, now: number): Amount | undefined {
  return typeof value === 'function' ? value(now) : value;
}

/** Halves away from zero, as Go rounds. */
function nearestMilli(value: number): Quantity | undefined {
  if (!Number.isFinite(value)) return undefined;
  const milli = Math.round(Math.abs(value) * 1000);
  return Quantity.ofMilli(BigInt(value < 0 ? -milli : milli));
}

/** What one series gives; `undefined` for one that has no value now. */
interface Part {
  readonly amount: Amount | undefined;
  readonly windowSeconds: number | undefined;
}

/** A series without a value is not there; NaN or infinity in one makes the sum no number, which is not answered. */
function sum(parts: readonly Part[]): Reading | undefined {
  let total: Reading | undefined;
  for (const { amount, windowSeconds } of parts) {
    if (amount === undefined) continue;
    const quantity = typeof amount === 'string' ? Quantity.parse(amount) : nearestMilli(amount);
    if (quantity === undefined) return undefined;
    total = total === undefined ? { quantity, windowSeconds } : { ...total, quantity: total.quantity.add(quantity) };
  }
  return total;
}

/** Sorted by name, as Go prints a set of labels. */
function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',');
}
