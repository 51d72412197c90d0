export {
  findCompanions,
  verticalPodAutoscalerModule,
  type Companion,
  type CompanionSearch,
  type FoundCompanion,
  type VerticalPodAutoscalerProgram,
} from './companions.ts';
export { findControlPlane, type ControlPlaneBinaries, type Program } from './control-plane.ts';
