export { createRecommender } from './recommender.ts';
export type { RecommendationReport, Recommender } from './report.ts';
export {
  defaultLimits,
  type CheckpointKeep,
  type CheckpointPort,
  type HistoryPort,
  type PodPort,
  type RecommenderLimits,
  type RecommenderOptions,
  type UpdateReport,
} from './ports.ts';
export type { SilentContainer } from './policy-memory.ts';
export type { KeptAmount } from './refine.ts';
