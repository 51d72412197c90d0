import { PromqlSyntaxError } from '../promql/ast.ts';
import { Evaluator, evaluateSteps } from '../promql/evaluate.ts';
import { parseQuery } from '../promql/parse.ts';
import type { ParsedQuery } from '../promql/parse.ts';
import { ExecutionError } from '../promql/values.ts';
import { ApiError } from './api-error.ts';
import type { Exchange } from './exchange.ts';
import { durationParameter, optionalTime, requiredTime, timeoutOf } from './parameters.ts';
import { matrixData, queryData } from './results.ts';

/** `/api/v1/query`. */
export function instantQuery({ parameters, server, values }: Exchange): string {
  const at = optionalTime(parameters, 'time', server.now());
  timeoutOf(parameters, server.timeoutMs);
  const { expression } = parsed(() => parseQuery(parameters.get('query') ?? ''), 'query');
  const evaluator = new Evaluator({ ...server.evaluation, start: at, end: at });
  return executed(() => queryData(evaluator.evaluate(expression, at), at, values));
}

/** `/api/v1/query_range`. */
export function rangeQuery({ parameters, server, values }: Exchange): string {
  const start = requiredTime(parameters, 'start');
  const end = requiredTime(parameters, 'end');
  if (end < start) throw ApiError.badParameter('end', 'end timestamp must not be before start time');
  const step = durationParameter(parameters, 'step');
  if (step <= 0) {
    throw ApiError.badParameter('step', 'zero or negative query resolution step widths are not accepted. Try a positive integer');
  }
  checkPoints({ start, end, step, limit: server.faults.pointLimit });
  timeoutOf(parameters, server.timeoutMs);
  // Unlike an instant query, the real server names no parameter here.
  const query = parsed(() => parseQuery(parameters.get('query') ?? ''), undefined);
  if (query.type !== 'scalar' && query.type !== 'instant vector') {
    throw new ApiError('bad_data', `invalid expression type "${query.type}" for range query, must be Scalar or instant Vector`);
  }
  const stepMs = Math.trunc(step);
  if (stepMs === 0) throw new ApiError('execution', 'unexpected error: runtime error: integer divide by zero');
  const evaluator = new Evaluator({ ...server.evaluation, start, end });
  return executed(() => matrixData(evaluateSteps(evaluator, query.expression, instants(start, end, stepMs)), values));
}

function* instants(start: number, end: number, step: number): Generator<number> {
  for (let at = start; at <= end; at += step) yield at;
}

/** More points than anybody looks at, or a mistake: the real server's sentence, with the bound that is set. */
function checkPoints({
  start,
  end,
  step,
  limit,
}: {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly limit: number;
}): void {
  if (Math.trunc((end - start) / step) <= limit) return;
  const shown = String(limit).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  const advice = 'Try decreasing the query resolution (?step=XX)';
  throw new ApiError('bad_data', `exceeded maximum resolution of ${shown} points per timeseries. ${advice}`);
}

function parsed(parse: () => ParsedQuery, parameter: string | undefined): ParsedQuery {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PromqlSyntaxError)) throw error;
    throw parameter === undefined ? new ApiError('bad_data', error.message) : ApiError.badParameter(parameter, error.message);
  }
}

function executed(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof ExecutionError) throw new ApiError('execution', error.message);
    throw error;
  }
}
