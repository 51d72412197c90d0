import type { UnknownReason } from '../../core/model/sample.ts';

/** What is known of a failed request to a metrics API. `status` is the HTTP status, absent when no answer came. */
export interface RequestFailure {
  readonly status: number | undefined;
  readonly message: string;
}

/** Why usage is unknown after a failed request, by the table of the metrics specification §A.8. */
export function classifyFailure(failure: RequestFailure, api: string): { readonly reason: UnknownReason; readonly detail: string } {
  const { status, message } = failure;
  if (status === 404) {
    return {
      reason: 'source-absent',
      detail: `nobody serves ${api}: install Metrics Server, or check its APIService with \`kubectl get apiservices\``,
    };
  }
  if (status === 401 || status === 403) {
    return {
      reason: 'source-unavailable',
      detail: `${api} refused the request (${status}): grant get and list on pods.metrics.k8s.io and nodes.metrics.k8s.io`,
    };
  }
  if (status === undefined) return { reason: 'source-unavailable', detail: `${api} did not answer: ${message}` };
  return { reason: 'source-unavailable', detail: `${api} answered ${status}: ${message}` };
}
