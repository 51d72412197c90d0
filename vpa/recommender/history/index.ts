/** What was used before the program ran, from a Prometheus. */
export { importHistory, type HistoryImport, type HistoryImportOptions } from './history-import.ts';
export { createHistoryPort, type HistoryPortOptions } from './history-port.ts';
export { defaultHistoryConfig, type HistoryConfig } from './history-config.ts';
export type { HistoryAnswer, HistoryClient, HistoryFailure, HistoryQuery, HistorySeries } from './history-client.ts';
export type { HistoryReport } from './history-report.ts';
export type { HistoryTarget } from './history-targets.ts';
export { createMemoryBlockCache, type BlockCache, type BlockKey, type HistoryBlock } from './block-cache.ts';
export { createFileBlockCache, type FileBlockCacheOptions } from './block-file-cache.ts';
