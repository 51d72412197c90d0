import { z } from 'zod';
import { cel } from '../core/kube/cel.ts';

const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);

/** One key of a Secret in Concertina's own namespace; there is no field for another one, nor for a file. */
const secretKey = z.strictObject({
  name: objectName.describe('A Secret in the namespace that Concertina runs in.'),
  key: z.string().min(1).max(253),
});

const headerName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/);

/** Printable ASCII without line ends, so that no header can be smuggled in. */
const headerValue = z
  .string()
  .max(4096)
  .regex(/^[\x20-\x7e]*$/);

const header = z
  .strictObject({ name: headerName, value: headerValue.optional(), secretRef: secretKey.optional() })
  .meta(cel({ rule: 'has(self.value) != has(self.secretRef)', message: 'set exactly one of value and secretRef' }));

const auth = z
  .strictObject({
    bearer: z.strictObject({ secretRef: secretKey }).optional().describe('Authorization: Bearer, from a Secret.'),
    basic: z.strictObject({ username: secretKey, password: secretKey }).optional().describe('Authorization: Basic, from Secrets.'),
    clientCertificate: z
      .strictObject({ secretName: objectName })
      .optional()
      .describe('mTLS with tls.crt and tls.key of a Secret of type kubernetes.io/tls.'),
    headers: z.array(header).max(16).optional().describe('More headers, sent with each request.'),
  })
  .meta(cel({ rule: '!(has(self.bearer) && has(self.basic))', message: 'set bearer or basic, not both: they are the same header' }));

const tls = z.strictObject({
  ca: secretKey.optional().describe('PEM of the CA; absent: the well-known ones of the program.'),
  serverName: z.string().min(1).max(253).optional().describe('Name that the certificate must carry, if it is not that of the URL.'),
  insecureSkipVerify: z.boolean().optional().describe('Accept any certificate. For tests only.'),
});

const limits = z.strictObject({
  timeoutSeconds: z.int32().min(1).max(120).optional().describe('A query that takes longer is given up; default 10.'),
  maxConcurrent: z.int32().min(1).max(100).optional().describe('Queries at the same time; default 20.'),
  maxBytes: z.int32().min(1024).optional().describe('An answer that is longer is cut off and unknown; default 16 MiB.'),
  maxSeries: z.int32().min(1).max(100_000).optional().describe('A query that matches more is refused; default 1000.'),
  maxPoints: z
    .int32()
    .min(1)
    .max(11_000)
    .optional()
    .describe('Points of one series of a range query; more are split by time; default 11000.'),
  maxRangeSeconds: z
    .int32()
    .min(1)
    .optional()
    .describe('Longest range, subquery or offset that a policy may use; default 86400. 0 is not a limit: leave it out.'),
  queriesPerMinute: z.int32().min(1).optional().describe('Of all policies; default 12000.'),
  queriesPerMinutePerNamespace: z.int32().min(1).optional().describe('Of the policies of one namespace; default 600.'),
});

const externalMetric = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[^/%]+$/)
    .describe('Name in external.metrics.k8s.io.'),
  query: z
    .string()
    .min(1)
    .max(4096)
    .describe('PromQL; confined to the asking namespace, labelSelector added to its selectors. It must give one number.'),
});

/** `spec` of a MetricSource: a Prometheus that policies may name, declared by an administrator. */
export const metricSourceSpec = z
  .strictObject({
    type: z
      .enum(['Prometheus', 'Thanos', 'Mimir', 'VictoriaMetrics'])
      .default('Prometheus')
      .describe('What answers: they differ in parameters and limits.'),
    url: z
      .string()
      .max(2048)
      .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/)
      .describe('Base URL, without /api/v1 and without credentials.'),
    plainHttp: z.boolean().optional().describe('Permit http://: what is sent, credentials too, can be read on the way.'),
    auth: auth.optional(),
    tls: tls.optional(),
    network: z
      .strictObject({
        allowLoopback: z.boolean().optional().describe('127.0.0.0/8 and ::1: a sidecar.'),
        allowLinkLocal: z.boolean().optional().describe('169.254.0.0/16 and fe80::/10: holds the metadata service of clouds.'),
      })
      .optional()
      .describe('Addresses that are refused unless permitted here, whatever name resolves to them.'),
    allowedNamespaces: z
      .strictObject({
        all: z.boolean().optional(),
        names: z.array(z.string().min(1).max(63)).max(1000).optional(),
      })
      .optional()
      .describe('Namespaces whose policies may use the source. Absent: none.'),
    tenancy: z
      .strictObject({
        namespaceLabel: z
          .string()
          .max(128)
          .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/)
          .optional()
          .describe('Label that each selector of a policy gets, with its namespace; default namespace.'),
        tenantHeader: headerName.optional().describe('Header that names the tenant; default X-Scope-OrgID, sent only with a tenant.'),
        tenant: headerValue.optional(),
      })
      .optional(),
    limits: limits.optional(),
    options: z
      .strictObject({
        deduplicate: z.boolean().optional().describe('Thanos: merge replicas; default true.'),
        partialResponse: z
          .boolean()
          .optional()
          .describe('Thanos: answer with what is there; then the answer is good for growth only. Default false.'),
        lookbackSeconds: z
          .int32()
          .min(1)
          .max(3600)
          .optional()
          .describe('How old the newest point of a series may be; default: the server’s.'),
      })
      .optional(),
    templates: z
      .record(z.string().max(64), z.string().max(4096))
      .optional()
      .describe(
        'Queries of the catalogue (cpuUsage, memoryUsage, …) in place of the built-in ones; `concertina sources catalogue` lists them.',
      ),
    externalMetrics: z.array(externalMetric).max(256).optional().describe('Served as external.metrics.k8s.io when that is switched on.'),
  })
  .meta(
    cel({
      rule: "self.url.startsWith('https://') || (has(self.plainHttp) && self.plainHttp)",
      message: 'url must begin with https://; for http:// set plainHttp: true',
      fieldPath: '.url',
    }),
  );

export type MetricSourceSpec = z.output<typeof metricSourceSpec>;

const time = z.iso.datetime();

/** `status` of a MetricSource. */
export const metricSourceStatus = z.object({
  observedGeneration: z.int().optional(),
  conditions: z
    .array(
      z.object({
        type: z.string(),
        status: z.enum(['True', 'False', 'Unknown']),
        reason: z.string(),
        message: z.string(),
        lastTransitionTime: time,
        observedGeneration: z.int().optional(),
      }),
    )
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  version: z.string().optional().describe('What the server says that it is.'),
  queries: z.int().optional().describe('Distinct queries of policies each tick.'),
});

export type MetricSourceStatus = z.output<typeof metricSourceStatus>;
