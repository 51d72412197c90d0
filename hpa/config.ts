import type { CooldownPolicy } from '../core/model/cooldown.ts';
import { defaultCooldown } from '../core/model/cooldown.ts';
import type { EngineConfig } from './engine/index.ts';

/** Defaults of the engine: those of kube-controller-manager's flags, plus the house's own. */
export const defaultEngineConfig: EngineConfig = {
  /** --horizontal-pod-autoscaler-cpu-initialization-period */
  cpuInitializationMs: 300_000,
  /** --horizontal-pod-autoscaler-initial-readiness-delay */
  initialReadinessDelayMs: 30_000,
  /** --horizontal-pod-autoscaler-tolerance */
  tolerance: 0.1,
  /** --horizontal-pod-autoscaler-downscale-stabilization */
  downscaleStabilizationMs: 300_000,
  scaleUpLimitFactor: 2,
  scaleUpLimitMinimum: 4,
  /** HPAScaleToZero: beta and on by default in 1.37. */
  scaleToZero: true,
  podLevelResources: true,
  /** More than half of the pods without a sample: nothing shrinks. */
  missingShareFreeze: 0.5,
  failureSpacingMs: 5000,
};

/** Settings of the controller. */
export interface HpaConfig {
  readonly engine: EngineConfig;
  /** Time between two evaluations of a policy, milliseconds. */
  readonly syncPeriodMs: number;
  /** Evaluations at the same time. */
  readonly workers: number;
  /** For policies that do not set their own. */
  readonly cooldown: CooldownPolicy;
  /** Native HorizontalPodAutoscalers are scaled too: only where the built-in controller is off. */
  readonly adoptHpas: boolean;
  /** Adopted ones get the default cooldowns; false: upstream's timing. */
  readonly adoptedCooldown: boolean;
  /** Decide, show, write nothing to targets. */
  readonly dryRun: boolean;
  /**
   * Policies that are decided together and whose target stays are evaluated by themselves all the same, so many a second and at once: each such evaluation reads the
   * scale again, which somebody may have set, and writes into status what is measured. With fewer policies than `burst` all of them are, in every period of 15 s.
   */
  readonly refreshes: { readonly perSecond: number; readonly burst: number };
  /** A pod's sample older than this counts as missing, milliseconds. Two scrapes of metrics-server's slowest default. */
  readonly maxSampleAgeMs: number;
}

export const defaultHpaConfig: HpaConfig = {
  engine: defaultEngineConfig,
  syncPeriodMs: 15_000,
  workers: 5,
  cooldown: defaultCooldown,
  adoptHpas: false,
  adoptedCooldown: false,
  dryRun: false,
  refreshes: { perSecond: 10, burst: 150 },
  maxSampleAgeMs: 180_000,
};
