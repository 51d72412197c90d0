import type { MetricQuery } from '../../core/model/metric-query.ts';
import type { UnknownReason } from '../../core/model/sample.ts';
import type { MetricsSource, SourceFailure } from '../sources/source.ts';
import type { SourceLimits } from './source-runner.ts';

/** Time of the newest sample that a source took in, epoch milliseconds; `undefined` when it cannot tell. */
export type Heartbeat = (signal: AbortSignal) => Promise<{ readonly ok: true; readonly newest: number | undefined } | SourceFailure>;

/** A source as it may be asked now. A new object means a new source: what was under way with the old one is given up. */
export type DirectoryEntry =
  | {
      readonly ok: true;
      readonly source: MetricsSource;
      readonly limits?: Partial<SourceLimits> | undefined;
      readonly admit?: ((query: MetricQuery) => SourceFailure | undefined) | undefined;
      /** Asked once a tick before the queries, for sources whose answers do not show how old they are. */
      readonly heartbeat?: Heartbeat | undefined;
    }
  | { readonly ok: false; readonly reason: UnknownReason; readonly detail: string };

/** The sources by name; they come and go with MetricSource objects. */
export interface SourceDirectory {
  get(name: string): DirectoryEntry;
  names(): readonly string[];
  /** Calls when an entry has come, changed or gone; answers the unsubscriber. */
  onChange(listener: (name: string) => void): () => void;
}

/** Sources that are there from the beginning, over another directory for the rest. */
export function fixedSources(sources: readonly MetricsSource[], rest?: SourceDirectory): SourceDirectory {
  const entries = new Map<string, DirectoryEntry>(sources.map((source) => [source.name, { ok: true, source }]));
  return {
    get: (name) => entries.get(name) ?? rest?.get(name) ?? { ok: false, reason: 'source-absent', detail: `there is no source ${name}` },
    names: () => [...entries.keys(), ...(rest?.names() ?? [])],
    onChange: (listener) => rest?.onChange(listener) ?? (() => undefined),
  };
}
