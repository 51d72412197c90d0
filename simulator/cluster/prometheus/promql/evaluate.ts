import type { SeriesStore } from '../storage/series-store.ts';
import type { Series } from '../storage/series.kernel.ts';
import { Labels } from '../storage/labels.ts';
import { aggregate } from './aggregate.ts';
import { unwrapped } from './ast.ts';
import type { Expression, MatrixSelector, Subquery, TimeShift, VectorSelector } from './ast.ts';
import { combine } from './binary.ts';
import { call } from './call.ts';
import { ExecutionError, distinct, withoutNames } from './values.ts';
import type { Points, RangeVector, Sample, Value, Vector } from './values.ts';

export interface EvaluationOptions {
  readonly store: SeriesStore;
  readonly lookbackMs: number;
  /** Step of subqueries that name none. */
  readonly intervalMs: number;
  readonly maxSamples: number;
  /** The bounds of the query, for `@ start()` and `@ end()`; equal for an instant query. */
  readonly start: number;
  readonly end: number;
}

/** Evaluates one query at any number of instants. */
export class Evaluator {
  readonly #options: EvaluationOptions;
  readonly #selected = new Map<VectorSelector, readonly Series[]>();
  /** Vectors of subqueries by instant: the steps of neighbours overlap. */
  readonly #inner = new Map<Subquery, Map<number, Vector>>();
  /** Samples that the answer holds already. */
  #held = 0;

  constructor(options: EvaluationOptions) {
    this.#options = options;
  }

  /** Whether this is a range query of more than one instant. */
  get hasSteps(): boolean {
    return this.#options.end > this.#options.start;
  }

  evaluate(expression: Expression, at: number): Value {
    switch (expression.kind) {
      case 'number':
        return { kind: 'scalar', value: expression.value };
      case 'string':
        return { kind: 'string', value: expression.value };
      case 'parentheses':
        return this.evaluate(expression.expression, at);
      case 'selector':
        return { kind: 'vector', samples: this.select(expression, at).map(({ labels, value }) => ({ labels, value })) };
      case 'matrix':
      case 'subquery':
        return { kind: 'matrix', series: this.range(expression, at).series };
      case 'unary':
        return this.#unary(expression.operator, this.evaluate(expression.expression, at));
      case 'binary': {
        const result = combine(expression, this.evaluate(expression.left, at), this.evaluate(expression.right, at));
        return result.kind === 'vector' ? { kind: 'vector', samples: distinct(result.samples) } : result;
      }
      case 'aggregation': {
        const { parameter } = expression;
        const argument = parameter === undefined ? undefined : this.evaluate(parameter, at);
        return { kind: 'vector', samples: aggregate(expression, this.vector(expression.expression, at), argument) };
      }
      case 'call': {
        const result = call(this, expression, at);
        return result.kind === 'vector' ? { kind: 'vector', samples: distinct(result.samples) } : result;
      }
    }
  }

  vector(expression: Expression, at: number): Vector {
    const value = this.evaluate(expression, at);
    if (value.kind !== 'vector') throw new ExecutionError(`an instant vector was expected, got a ${value.kind}`);
    return value.samples;
  }

  /** Counts samples that are kept for the answer. */
  hold(samples: number): void {
    this.#held += samples;
    this.#bound(0);
  }

  #bound(more: number): void {
    if (this.#held + more <= this.#options.maxSamples) return;
    throw new ExecutionError('query processing would load too many samples into memory in query execution');
  }

  #unary(operator: '+' | '-', value: Value): Value {
    if (operator === '+') return value;
    if (value.kind === 'scalar') return { kind: 'scalar', value: -value.value };
    if (value.kind !== 'vector') throw new ExecutionError(`a sign before a ${value.kind}`);
    return { kind: 'vector', samples: distinct(withoutNames(value.samples).map((sample) => ({ ...sample, value: -sample.value }))) };
  }

  #time(at: number, { offset = 0, at: fixed }: TimeShift): number {
    const { start, end } = this.#options;
    const base = fixed === undefined ? at : fixed === 'start' ? start : fixed === 'end' ? end : fixed;
    return base - offset;
  }

  #series(selector: VectorSelector): readonly Series[] {
    let found = this.#selected.get(selector);
    if (found === undefined) this.#selected.set(selector, (found = this.#options.store.select(selector.matchers)));
    return found;
  }

  /** The newest sample of each series that is no older than the lookback and not stale. `time` is the sample's own. */
  select(selector: VectorSelector, at: number): (Sample & { readonly time: number })[] {
    const to = this.#time(at, selector.shift);
    const samples: (Sample & { readonly time: number })[] = [];
    for (const series of this.#series(selector)) {
      const index = series.indexAt(to);
      if (index < 0 || series.isStale(index)) continue;
      const time = series.timeOf(index);
      if (time >= to - this.#options.lookbackMs) samples.push({ labels: series.labels, value: series.valueOf(index), time });
    }
    this.#bound(samples.length);
    return samples;
  }

  range(expression: Expression, at: number): RangeVector {
    const inner = unwrapped(expression);
    if (inner.kind === 'matrix') return this.#matrix(inner, at);
    if (inner.kind === 'subquery') return this.#subquery(inner, at);
    throw new ExecutionError(`a range vector was expected, got ${inner.kind}`);
  }

  #matrix({ selector, rangeMs }: MatrixSelector, at: number): RangeVector {
    const to = this.#time(at, selector.shift);
    const from = to - rangeMs;
    const found: Points[] = [];
    let count = 0;
    for (const series of this.#series(selector)) {
      const points = { labels: series.labels, times: [] as number[], values: [] as number[] };
      series.collect(from, to, points);
      if (points.times.length === 0) continue;
      count += points.times.length;
      found.push(points);
    }
    this.#bound(count);
    return { series: found, from, to };
  }

  #subquery(subquery: Subquery, at: number): RangeVector {
    const to = this.#time(at, subquery.shift);
    const from = to - subquery.rangeMs;
    const step = subquery.stepMs ?? this.#options.intervalMs;
    // Steps stand at whole multiples, whenever the query is asked.
    let first = step * Math.trunc(from / step);
    if (first < from) first += step;
    const collected = new Map<string, { readonly labels: Labels; readonly times: number[]; readonly values: number[] }>();
    let count = 0;
    for (let instant = first; instant <= to; instant += step) {
      for (const { labels, value } of this.#innerVector(subquery, instant)) {
        let points = collected.get(labels.key);
        if (points === undefined) collected.set(labels.key, (points = { labels, times: [], values: [] }));
        points.times.push(instant);
        points.values.push(value);
        count += 1;
      }
      this.#bound(count);
    }
    return { series: [...collected.values()], from, to };
  }

  #innerVector(subquery: Subquery, at: number): Vector {
    let known = this.#inner.get(subquery);
    if (known === undefined) this.#inner.set(subquery, (known = new Map()));
    let samples = known.get(at);
    if (samples === undefined) known.set(at, (samples = this.vector(subquery.expression, at)));
    return samples;
  }
}

/** One series for each label set over all steps, in Prometheus' order. */
export function evaluateSteps(evaluator: Evaluator, expression: Expression, instants: Iterable<number>): Points[] {
  const collected = new Map<string, { readonly labels: Labels; readonly times: number[]; readonly values: number[] }>();
  for (const at of instants) {
    const value = evaluator.evaluate(expression, at);
    const samples: Vector =
      value.kind === 'vector' ? value.samples : value.kind === 'scalar' ? [{ labels: Labels.empty, value: value.value }] : [];
    for (const sample of samples) {
      let points = collected.get(sample.labels.key);
      if (points === undefined) collected.set(sample.labels.key, (points = { labels: sample.labels, times: [], values: [] }));
      points.times.push(at);
      points.values.push(sample.value);
    }
    evaluator.hold(samples.length);
  }
  return [...collected.values()].sort((left, right) => Labels.compare(left.labels, right.labels));
}
