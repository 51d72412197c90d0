import type { ValueType } from './ast.ts';

export interface Signature {
  readonly args: readonly ValueType[];
  /** More arguments of the last type: how many at most; -1 any number; for these the last of `args` may be left out. */
  readonly variadic?: number;
  readonly returns: ValueType;
}

const vector: ValueType = 'instant vector';
const range: ValueType = 'range vector';

function each(names: string, signature: Signature): readonly (readonly [string, Signature])[] {
  return names.split(' ').map((name) => [name, signature] as const);
}

/** The functions of version 2.42 that are served. */
export const signatures: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ...each(
    'abs acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp absent',
    { args: [vector], returns: vector },
  ),
  ...each(
    'rate irate increase delta idelta changes resets deriv avg_over_time min_over_time max_over_time sum_over_time count_over_time last_over_time ' +
      'stddev_over_time stdvar_over_time present_over_time absent_over_time',
    { args: [range], returns: vector },
  ),
  ...each('day_of_month day_of_week day_of_year days_in_month hour minute month year', { args: [vector], variadic: 1, returns: vector }),
  ...each('clamp_max clamp_min', { args: [vector, 'scalar'], returns: vector }),
  ['clamp', { args: [vector, 'scalar', 'scalar'], returns: vector }],
  ['round', { args: [vector, 'scalar'], variadic: 1, returns: vector }],
  ['scalar', { args: [vector], returns: 'scalar' }],
  ['vector', { args: ['scalar'], returns: vector }],
  ['time', { args: [], returns: 'scalar' }],
  ['pi', { args: [], returns: 'scalar' }],
  ['histogram_quantile', { args: ['scalar', vector], returns: vector }],
  ['quantile_over_time', { args: ['scalar', range], returns: vector }],
  ['predict_linear', { args: [range, 'scalar'], returns: vector }],
  ['label_replace', { args: [vector, 'string', 'string', 'string', 'string'], returns: vector }],
  ['label_join', { args: [vector, 'string', 'string', 'string'], variadic: -1, returns: vector }],
]);

/** Functions that 2.42 has and this server does not. */
export const unsupportedFunctions: ReadonlySet<string> = new Set([
  'holt_winters',
  'histogram_count',
  'histogram_sum',
  'histogram_fraction',
]);

/** Aggregations by the type of their parameter. */
export const aggregations: ReadonlyMap<string, ValueType | undefined> = new Map<string, ValueType | undefined>([
  ...['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'].map((name) => [name, undefined] as const),
  ...['topk', 'bottomk', 'quantile'].map((name) => [name, 'scalar'] as const),
  ['count_values', 'string'],
]);
