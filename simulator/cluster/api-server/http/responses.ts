import type { KubeObject } from '../../../../core/model/object.ts';
import type { StatusError } from '../errors.ts';
import type { ApiResponse } from '../types.ts';

export type WholeResponse = Extract<ApiResponse, { readonly body: string | Buffer }>;

const jsonHeaders = { 'content-type': 'application/json' } as const;

export function json(status: number, body: string): WholeResponse {
  return { status, headers: jsonHeaders, body };
}

export function jsonOf(status: number, value: unknown): WholeResponse {
  return json(status, JSON.stringify(value));
}

export function text(status: number, body: string): WholeResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

export function failure(error: StatusError): WholeResponse {
  const retry = error.details?.retryAfterSeconds;
  const headers = retry === undefined ? jsonHeaders : { ...jsonHeaders, 'retry-after': String(retry) };
  return { status: error.code, headers, body: JSON.stringify(error.toStatus()) };
}

/** The answer to a deletion that is complete. */
export function successStatus(details: Readonly<Record<string, unknown>>): KubeObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {} as KubeObject['metadata'], status: 'Success', details };
}

/** Warnings as RFC 7234 headers: kubectl and client-go print them. */
export function withWarnings(response: ApiResponse, warnings: readonly string[]): ApiResponse {
  if (warnings.length === 0) return response;
  const value = warnings
    .map((warning) => `299 - "${warning.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', ' ')}"`)
    .join(', ');
  return { ...response, headers: { ...response.headers, warning: value } };
}
