import { formatFloat, formatTimestamp } from '../promql/numbers.ts';
import type { Points, Sample, Value } from '../promql/values.ts';
import type { PrometheusFaults } from '../faults.ts';

type ValueFault = PrometheusFaults['values'];

/** `data` of an answer to a query, as JSON text. */
export function queryData(value: Value, at: number, fault: ValueFault): string {
  switch (value.kind) {
    // Scalars and strings go through another encoder than samples: their time has no trailing zeros.
    case 'scalar':
      return data('scalar', `[${at / 1000},"${formatFloat(changed(value.value, fault))}"]`);
    case 'string':
      return data('string', `[${at / 1000},${JSON.stringify(value.value)}]`);
    case 'vector':
      return vectorData(value.samples, at, fault);
    case 'matrix':
      return matrixData(value.series, fault);
  }
}

function data(type: string, result: string): string {
  return `{"resultType":"${type}","result":${result}}`;
}

function vectorData(samples: readonly Sample[], at: number, fault: ValueFault): string {
  const shown = fault === 'empty' ? [] : samples;
  const entries = shown.map(
    ({ labels, value }) => `{"metric":${JSON.stringify(labels.toRecord())},"value":${pair(at, changed(value, fault))}}`,
  );
  return data('vector', `[${entries.join(',')}]`);
}

export function matrixData(series: readonly Points[], fault: ValueFault): string {
  const shown = fault === 'empty' ? [] : series;
  const entries = shown.map(({ labels, times, values }) => {
    const pairs = times.map((time, index) => pair(time, changed(values[index] ?? Number.NaN, fault)));
    return `{"metric":${JSON.stringify(labels.toRecord())},"values":[${pairs.join(',')}]}`;
  });
  return data('matrix', `[${entries.join(',')}]`);
}

function pair(at: number, value: number): string {
  return `[${formatTimestamp(at)},"${formatFloat(value)}"]`;
}

function changed(value: number, fault: ValueFault): number {
  if (fault === 'nan') return Number.NaN;
  return fault === 'zero' ? 0 : value;
}

/** A successful envelope; warnings stand after the data. */
export function success(dataText: string, warnings: readonly string[] = []): string {
  return `{"status":"success","data":${dataText}${warnings.length === 0 ? '' : `,"warnings":${JSON.stringify(warnings)}`}}`;
}

export function failure(type: string, message: string): string {
  return JSON.stringify({ status: 'error', errorType: type, error: message });
}
