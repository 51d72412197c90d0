import type { KubeObject } from '../../../core/model/object.ts';
import type { FoundServer } from '../../../metrics-aggregator/index.ts';
import type { Check, CheckStatus } from './check.ts';

/** A MetricSource that nobody has applied. */
export interface Proposal {
  /** `monitoring/prometheus-server`. */
  readonly service: string;
  readonly software: string;
  readonly name: string;
  readonly manifest: KubeObject;
  readonly yaml: string;
}

/** What `concertina doctor -o json` prints. Fields are only ever added within one version. */
export interface DoctorReport {
  readonly kind: 'ConcertinaDoctorReport';
  readonly version: 1;
  /** Version of the program. */
  readonly program: string;
  /** RFC 3339, by the API server's clock as far as it is known. */
  readonly at: string;
  readonly server: string | null;
  readonly context: string | null;
  /** Only this one was looked at; null: all. */
  readonly namespace: string | null;
  readonly summary: Readonly<Record<Lowercase<CheckStatus>, number>>;
  readonly checks: readonly Check[];
  readonly proposals: readonly Proposal[];
}

export interface ReportInput {
  readonly program: string;
  readonly at: number;
  readonly server: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string | undefined;
  readonly checks: readonly Check[];
  readonly found?: readonly FoundServer[] | undefined;
}

export function doctorReport({ program, at, server, context, namespace, checks, found = [] }: ReportInput): DoctorReport {
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  return {
    kind: 'ConcertinaDoctorReport',
    version: 1,
    program,
    at: new Date(at).toISOString(),
    server: server ?? null,
    context: context ?? null,
    namespace: namespace ?? null,
    summary: { ok: count('OK'), warn: count('WARN'), fail: count('FAIL'), skipped: count('SKIPPED') },
    checks,
    proposals: found.flatMap(({ namespace: place, name, software, usedBy, proposal }) =>
      usedBy === undefined
        ? [
            {
              service: `${place}/${name}`,
              software,
              name: proposal.manifest.metadata.name,
              manifest: proposal.manifest,
              yaml: proposal.yaml,
            },
          ]
        : [],
    ),
  };
}

/** 1 when something failed, else 0: a warning or a check that could not be made fails no pipeline. */
export function exitCodeOfReport({ summary }: DoctorReport): 0 | 1 {
  return summary.fail > 0 ? 1 : 0;
}
