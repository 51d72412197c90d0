import type { FormFields } from '../http/index.ts';
import type { SourceOptions, SourceType } from './source-type.ts';

export type Use = 'instant' | 'range' | 'names';

export interface FlavourRequest {
  readonly type: SourceType;
  readonly options: SourceOptions;
  readonly use: Use;
  /** Series that are accepted. */
  readonly maxSeries: number;
}

/**
 * The parameters that differ between the servers that speak Prometheus's API.
 *
 * - Prometheus: `limit` (3.0; older ones ignore it) cuts an answer off one series beyond what is accepted; `lookback_delta` (2.41).
 * - Thanos: `dedup`, `partial_response`; a partial answer has warnings.
 * - Mimir: the tenant is in a header; ranges that are too long are a 422.
 * - VictoriaMetrics: `nocache=1`, without which it moves start and end of a range to multiples of the step; how far it looks back is `step` of an instant
 *   query and `max_lookback` of a range; there is no `limit`.
 */
export function flavourFields({ type, options, use, maxSeries }: FlavourRequest): FormFields {
  const lookback = options.lookbackSeconds === undefined ? undefined : `${options.lookbackSeconds}s`;
  const queries = use !== 'names';
  switch (type) {
    case 'Prometheus':
      return [
        ...field('limit', use === 'instant' ? String(maxSeries + 1) : undefined),
        ...field('lookback_delta', queries ? lookback : undefined),
      ];
    case 'Thanos':
      return [
        ...field('dedup', String(options.deduplicate ?? true)),
        ...field('partial_response', String(options.partialResponse ?? false)),
        ...field('lookback_delta', queries ? lookback : undefined),
      ];
    case 'Mimir':
      return field('lookback_delta', queries ? lookback : undefined);
    case 'VictoriaMetrics':
      return [
        ...field('nocache', queries ? '1' : undefined),
        ...field(use === 'instant' ? 'step' : 'max_lookback', queries ? lookback : undefined),
      ];
  }
}

function field(name: string, value: string | undefined): FormFields {
  return value === undefined ? [] : [[name, value]];
}

/** Confines a tenant on the server as well, where that can be asked for: a second lock besides the matchers in the query. */
export function tenantFields(type: SourceType, label: string, namespace: string): FormFields {
  return type === 'VictoriaMetrics' ? [['extra_label', `${label}=${namespace}`]] : [];
}
