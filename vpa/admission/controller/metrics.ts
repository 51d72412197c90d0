import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type ReviewStatus = 'applied' | 'skipped' | 'error';
export type ReviewedResource = 'Pod' | 'VPA' | 'unknown';

/** How admission does, by upstream's names where it has them. No label names an object. */
export interface AdmissionMetrics {
  /** A pod was answered; `applied`: with a patch. */
  observePod(applied: boolean): void;
  observeReview(review: { readonly status: ReviewStatus; readonly resource: ReviewedResource; readonly seconds: number }): void;
  /** A request was not worked on because there were too many. */
  overloaded(): void;
  /** Epoch milliseconds at which a certificate ends. */
  setExpiry(certificate: 'serving' | 'ca', at: number): void;
  /** The webhook object was put right after somebody changed it. */
  repaired(): void;
  /** 1 while the own endpoint was found working. */
  setServing(serving: boolean): void;
}

/** Upstream's, and below them: an answer takes about a millisecond. */
const latencyBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];

export function createAdmissionMetrics(registry: Registry): AdmissionMetrics {
  const registers = [registry];
  const prefix = 'vpa_admission_controller';
  const pods = new Counter({
    name: `${prefix}_admission_pods_total`,
    help: 'Pods that were reviewed, by whether they were patched.',
    labelNames: ['applied'],
    registers,
  });
  const latency = new Histogram({
    name: `${prefix}_admission_latency_seconds`,
    help: 'Time from the beginning of a review request to its answer.',
    labelNames: ['status', 'resource'],
    buckets: latencyBuckets,
    registers,
  });
  const overload = new Counter({
    name: `${prefix}_admission_overload_total`,
    help: 'Requests that were answered without a review because too many were under way.',
    registers,
  });
  const expiry = new Gauge({
    name: `${prefix}_certificate_expiry_timestamp_seconds`,
    help: 'Time at which the serving certificate or its CA ends, Unix seconds.',
    labelNames: ['certificate'],
    registers,
  });
  const repairs = new Counter({
    name: `${prefix}_registration_repairs_total`,
    help: 'How often the MutatingWebhookConfiguration was put right.',
    registers,
  });
  const serving = new Gauge({
    name: `${prefix}_serving`,
    help: '1 while this copy finds its own webhook endpoint working under the registered CA.',
    registers,
  });
  pods.inc({ applied: 'true' }, 0);
  pods.inc({ applied: 'false' }, 0);
  return {
    observePod: (applied) => pods.inc({ applied: String(applied) }),
    observeReview: ({ status, resource, seconds }) => latency.observe({ status, resource }, seconds),
    overloaded: () => overload.inc(),
    setExpiry: (certificate, at) => expiry.set({ certificate }, at / 1000),
    repaired: () => repairs.inc(),
    setServing: (works) => serving.set(works ? 1 : 0),
  };
}
