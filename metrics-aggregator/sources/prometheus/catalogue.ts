import type { LabelMatcher } from '../../promql/index.ts';
import { builtInEntries, type CatalogueEntry } from './catalogue-entries.ts';
import { parseTemplate, type PlaceholderName, type QueryTemplate, type TemplateValues } from './query-template.ts';

export interface CatalogueListing extends CatalogueEntry {
  /** Given by the MetricSource in place of the built-in one. */
  readonly overridden: boolean;
  readonly needs: readonly PlaceholderName[];
}

/** The queries of one MetricSource. */
export interface Catalogue {
  list(): readonly CatalogueListing[];
  /** PromQL of a query by name; `matchers` go into each of its selectors besides. */
  render(
    name: string,
    values: TemplateValues,
    matchers?: readonly LabelMatcher[],
  ): { readonly ok: true; readonly query: string } | { readonly ok: false; readonly problem: string };
}

export type CatalogueResult = { readonly ok: true; readonly catalogue: Catalogue } | { readonly ok: false; readonly problem: string };

/** The catalogue with the templates of a MetricSource in place of built-in ones; a name that is not one, or a template that is no PromQL, is a problem. */
export function createCatalogue(templates: Readonly<Record<string, string>> = {}): CatalogueResult {
  const known = builtInEntries.map(({ name }) => name);
  const strange = Object.keys(templates).find((name) => !known.includes(name));
  if (strange !== undefined) {
    return { ok: false, problem: `templates.${strange} is not a query of the catalogue; there are ${known.join(', ')}` };
  }
  const entries = new Map<string, { readonly listing: CatalogueListing; readonly template: QueryTemplate }>();
  for (const entry of builtInEntries) {
    const own = templates[entry.name];
    const parsed = parseTemplate(own ?? entry.query);
    if (!parsed.ok) return { ok: false, problem: `templates.${entry.name}: ${parsed.problem}` };
    const { template } = parsed;
    const listing = { ...entry, query: own ?? entry.query, overridden: own !== undefined, needs: template.needs };
    entries.set(entry.name, { listing, template });
  }
  return {
    ok: true,
    catalogue: {
      list: () => [...entries.values()].map(({ listing }) => listing),
      render: (name, values, matchers = []) => {
        const entry = entries.get(name);
        if (entry === undefined) return { ok: false, problem: `${name} is not a query of the catalogue; there are ${known.join(', ')}` };
        const rendered = entry.template.render(values, matchers);
        return rendered.ok ? rendered : { ok: false, problem: `templates.${name}: ${rendered.problem}` };
      },
    },
  };
}
