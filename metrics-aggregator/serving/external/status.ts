import type { RouteResponse } from '../../../core/runtime/http-server.ts';

const reasons = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  500: 'InternalError',
  503: 'ServiceUnavailable',
} as const;

export const kubeJson = 'application/json';

/** A failure as the API server writes it: a `metav1.Status`. */
export function statusFailure(code: keyof typeof reasons, message: string): RouteResponse {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: reasons[code], code };
  return { ...kubeAnswer(body), status: code };
}

export function kubeAnswer(body: object): RouteResponse {
  return { contentType: kubeJson, headers: { 'cache-control': 'no-cache, private' }, body: `${JSON.stringify(body)}\n` };
}
