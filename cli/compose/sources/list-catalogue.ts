import { createCatalogue, type CatalogueListing } from '../../../metrics-aggregator/index.ts';

/** What `concertina sources catalogue -o json` prints. */
export interface CatalogueReport {
  readonly kind: 'ConcertinaCatalogue';
  readonly version: 1;
  /** MetricSource whose templates are in place of the built-in ones; null: none. */
  readonly source: string | null;
  readonly queries: readonly CatalogueListing[];
  /** Why there are none; null otherwise. */
  readonly problem: string | null;
}

/** The queries that the suite knows by name, those of a MetricSource in place of the built-in ones. */
export function catalogueReport(source: string | undefined, templates: Readonly<Record<string, string>> = {}): CatalogueReport {
  const result = createCatalogue(templates);
  const base = { kind: 'ConcertinaCatalogue', version: 1, source: source ?? null } as const;
  if (!result.ok)
    return { ...base, queries: [], problem: `${source === undefined ? '' : `MetricSource ${source}: spec.`}${result.problem}` };
  return { ...base, queries: result.catalogue.list(), problem: null };
}
