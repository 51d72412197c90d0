/**
 * What the commands use of the aggregator beyond its public door. Here and nowhere else, so that it is one line's work to take it from the door once it
 * stands there.
 */
export { resolveSecrets } from '../../../metrics-aggregator/controller/source-secrets.ts';
export { findServers, namedService, type FoundServer } from '../../../metrics-aggregator/discovery/index.ts';
export { checkQuery, confineQuery, formatMatcher, type LabelMatcher, type ResultKind } from '../../../metrics-aggregator/promql/index.ts';
export { parseQuery } from '../../../metrics-aggregator/promql/parsed-query.ts';
export { tenantFields } from '../../../metrics-aggregator/sources/prometheus/flavour.ts';
export {
  createCatalogue,
  defaultLimits,
  limitsOf,
  parseFloatText,
  prometheusSourceFromSpec,
  type CatalogueListing,
  type InstantItem,
  type PrometheusClient,
  type PrometheusFromSpec,
  type RangeItem,
} from '../../../metrics-aggregator/sources/prometheus/index.ts';
