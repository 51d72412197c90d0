export { Duration, formatDuration, humanDuration, parseDurationMs, tryParseDurationMs } from './duration.ts';
export { formatMilli, parseMilli, tryParseMilli } from './milli.ts';
export { parseCountOrPercent, Percent, resolveCount, truncatedPercent } from './percent.ts';
export type { CountOrPercent } from './percent.ts';
export { Quantity, storedQuantityText } from './quantity.ts';
export type { QuantityFormat, Rounding } from './quantity.ts';
