export { findCompanions, type Companion, type CompanionSearch, type FoundCompanion } from './companions.ts';
export { findControlPlane, type ControlPlaneBinaries, type Program } from './control-plane.ts';
