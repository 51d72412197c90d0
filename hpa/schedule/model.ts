/**
 * A window of time, again and again, in which the bounds of a policy are others. It is open from each `start` to the next `end`.
 * While it is open `minReplicas` is a floor below which the target does not shrink and `maxReplicas` a ceiling above which it does not grow.
 */
export interface ScalingSchedule {
  readonly name: string;
  /** Cron expression of five fields: minute, hour, day of month, month, day of week. */
  readonly start: string;
  readonly end: string;
  /** IANA name of the zone in which both are read. */
  readonly timeZone: string;
  readonly minReplicas: number | undefined;
  readonly maxReplicas: number | undefined;
  /**
   * The floor rises in equal steps during so many milliseconds before the window opens, is whole while it is open, and falls in equal steps as long afterwards
   * (as Zalando's ScalingSchedule); the ceiling knows no ramp. 0: at once.
   */
  readonly rampMs: number;
}

/** Steps of a ramp (Zalando's default): each is more than the usual tolerance. */
export const rampSteps = 10;

/** A schedule that has a say now. */
export interface ActiveSchedule {
  readonly schedule: ScalingSchedule;
  readonly phase: 'rising' | 'open' | 'falling';
  /** Share of the floor in steps of {@link rampSteps}; `rampSteps` while the window is open. */
  readonly step: number;
  /** When the phase ends, epoch milliseconds; `undefined`: never, because the cron expression of the end has no further time. */
  readonly until: number | undefined;
}

export interface ScheduleState {
  /** In the order of the policy. */
  readonly active: readonly ActiveSchedule[];
  /** Nothing of this is another before that moment, epoch milliseconds; `undefined`: never. */
  readonly nextChangeAt: number | undefined;
  /** The window that opens next, ramps aside. */
  readonly next: { readonly name: string; readonly opensAt: number } | undefined;
}
