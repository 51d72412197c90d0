import { Labels, metricName } from '../storage/labels.ts';
import { byValue } from './aggregate.ts';
import { larger, smaller } from './arithmetic.ts';
import { unwrapped } from './ast.ts';
import type { Call, Expression } from './ast.ts';
import type { Evaluator } from './evaluate.ts';
import { histogramQuantiles } from './histogram-quantile.ts';
import { dateFunctions, elementFunctions, roundTo } from './instant-functions.ts';
import { labelJoin, labelReplace } from './label-functions.ts';
import { rangeFunctions } from './range-functions.ts';
import { ExecutionError } from './values.ts';
import type { Sample, Value, Vector } from './values.ts';

/** One call under evaluation. */
interface Frame {
  readonly evaluator: Evaluator;
  readonly args: readonly Expression[];
  readonly at: number;
}

export function call(evaluator: Evaluator, { name, args }: Call, at: number): Value {
  const frame: Frame = { evaluator, args, at };
  const own = functions[name];
  if (own !== undefined) return own(frame);
  const element = elementFunctions[name];
  if (element !== undefined) return mapped(frame, element);
  const part = dateFunctions[name];
  if (part !== undefined) return datePart(frame, part);
  if (rangeFunctions[name] !== undefined) return overRange(frame, name);
  throw new ExecutionError(`function "${name}" is not supported by this simulated Prometheus`);
}

function argument({ args }: Frame, index: number): Expression {
  const found = args[index];
  if (found === undefined) throw new ExecutionError(`argument ${index + 1} is missing`);
  return found;
}

function vectorOf(frame: Frame, index: number): Vector {
  return frame.evaluator.vector(argument(frame, index), frame.at);
}

function scalarOf(frame: Frame, index: number): number {
  const value = frame.evaluator.evaluate(argument(frame, index), frame.at);
  if (value.kind !== 'scalar') throw new ExecutionError(`a scalar was expected, got a ${value.kind}`);
  return value.value;
}

function stringsFrom(frame: Frame, index: number): string[] {
  return frame.args.slice(index).map((expression) => {
    const value = unwrapped(expression);
    if (value.kind !== 'string') throw new ExecutionError(`a string was expected, got a ${value.kind}`);
    return value.value;
  });
}

function vector(samples: Vector): Value {
  return { kind: 'vector', samples };
}

function mapped(frame: Frame, change: (value: number) => number): Value {
  return vector(vectorOf(frame, 0).map(({ labels, value }) => ({ labels: labels.withoutName, value: change(value) })));
}

/** Without an argument: of the time of the evaluation. */
function datePart(frame: Frame, part: (date: Date) => number): Value {
  if (frame.args.length === 0) return vector([{ labels: Labels.empty, value: part(new Date(Math.floor(frame.at / 1000) * 1000)) }]);
  return mapped(frame, (seconds) => {
    const date = new Date(Math.trunc(seconds) * 1000);
    // The real server answers whatever an overflow leaves.
    if (Number.isNaN(date.getTime())) throw new ExecutionError(`the date of ${seconds} s is not supported by this simulated Prometheus`);
    return part(date);
  });
}

function overRange(frame: Frame, name: string): Value {
  const { evaluator, at, args } = frame;
  const rangeAt = name === 'quantile_over_time' ? 1 : 0;
  const scalar = args.length > 1 ? scalarOf(frame, 1 - rangeAt) : Number.NaN;
  if (args.length > 1) refuseFixedRange(frame, name, rangeAt);
  const { series, from, to } = evaluator.range(argument(frame, rangeAt), at);
  const samples: Sample[] = [];
  for (const points of series) {
    const value = rangeFunctions[name]?.(points, { window: { from, to }, at, scalar });
    // Only the last value is still a value of the metric itself.
    if (value !== undefined) samples.push({ labels: name === 'last_over_time' ? points.labels : points.labels.withoutName, value });
  }
  return vector(samples);
}

/** Version 2.42 loses samples of a range that `@` holds fast when the function itself moves with the steps: no number is better than that one. */
function refuseFixedRange(frame: Frame, name: string, rangeAt: number): void {
  const range = unwrapped(argument(frame, rangeAt));
  const shift = range.kind === 'matrix' ? range.selector.shift : range.kind === 'subquery' ? range.shift : undefined;
  const constant = name === 'quantile_over_time' && unwrapped(argument(frame, 0)).kind === 'number';
  if (shift?.at === undefined || constant || !frame.evaluator.hasSteps) return;
  throw new ExecutionError(`"${name}" of a range with @ in a range query is not supported by this simulated Prometheus`);
}

function clamped(frame: Frame, lowest: number, highest: number): Value {
  const within = mapped(frame, (value) => larger(lowest, smaller(highest, value)));
  return highest < lowest ? vector([]) : within;
}

/** Labels that the selector fixes by equality, for a series that is not there. */
function absentLabels(expression: Expression): Labels {
  const inner = unwrapped(expression);
  const selector = inner.kind === 'matrix' ? inner.selector : inner;
  if (selector.kind !== 'selector') return Labels.empty;
  const fixed: Record<string, string> = {};
  const dropped = new Set<string>();
  for (const { name, operator, value } of selector.matchers) {
    if (name === metricName) continue;
    if (operator === '=' && fixed[name] === undefined) fixed[name] = value;
    else dropped.add(name);
  }
  return Labels.from(fixed).without(dropped);
}

function absent(frame: Frame, isThere: boolean): Value {
  return vector(isThere ? [] : [{ labels: absentLabels(argument(frame, 0)), value: 1 }]);
}

/** The time of the sample itself where the argument is a selector, else that of the evaluation. */
function timestamps(frame: Frame): Value {
  const inner = unwrapped(argument(frame, 0));
  if (inner.kind !== 'selector') return mapped(frame, () => frame.at / 1000);
  return vector(frame.evaluator.select(inner, frame.at).map(({ labels, time }) => ({ labels: labels.withoutName, value: time / 1000 })));
}

const functions: Readonly<Record<string, (frame: Frame) => Value>> = {
  time: ({ at }) => ({ kind: 'scalar', value: at / 1000 }),
  pi: () => ({ kind: 'scalar', value: Math.PI }),
  vector: (frame) => vector([{ labels: Labels.empty, value: scalarOf(frame, 0) }]),
  scalar: (frame) => {
    const samples = vectorOf(frame, 0);
    return { kind: 'scalar', value: samples.length === 1 ? (samples[0]?.value ?? Number.NaN) : Number.NaN };
  },
  sort: (frame) => vector(vectorOf(frame, 0).toSorted(byValue(false))),
  sort_desc: (frame) => vector(vectorOf(frame, 0).toSorted(byValue(true))),
  round: (frame) => {
    const multiple = frame.args.length > 1 ? scalarOf(frame, 1) : 1;
    return mapped(frame, (value) => roundTo(value, multiple));
  },
  clamp: (frame) => clamped(frame, scalarOf(frame, 1), scalarOf(frame, 2)),
  clamp_min: (frame) => {
    const least = scalarOf(frame, 1);
    return mapped(frame, (value) => larger(least, value));
  },
  clamp_max: (frame) => {
    const most = scalarOf(frame, 1);
    return mapped(frame, (value) => smaller(most, value));
  },
  timestamp: timestamps,
  absent: (frame) => absent(frame, vectorOf(frame, 0).length > 0),
  absent_over_time: (frame) => absent(frame, frame.evaluator.range(argument(frame, 0), frame.at).series.length > 0),
  histogram_quantile: (frame) => vector(histogramQuantiles(scalarOf(frame, 0), vectorOf(frame, 1))),
  label_replace: (frame) => vector(labelReplace(vectorOf(frame, 0), stringsFrom(frame, 1))),
  label_join: (frame) => vector(labelJoin(vectorOf(frame, 0), stringsFrom(frame, 1))),
};
