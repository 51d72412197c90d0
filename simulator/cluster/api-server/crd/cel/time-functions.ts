import type { Environment } from '@marcbachmann/cel-js';

/** A CEL duration as the library keeps it. */
export interface CelDuration {
  readonly seconds: bigint;
  readonly nanos: number;
}

const timestamp = 'google.protobuf.Timestamp';
const duration = 'google.protobuf.Duration';

/** Conversions between times, text and numbers that the library lacks. */
export function registerTimes(env: Environment): void {
  env.registerFunction(
    `string(${timestamp}): string`,
    (time: Date) =>
      time
        .toISOString()
        .replace(/\.?0*Z$/, 'Z')
        .replace(/:Z$/, ':00Z'),
    sync,
  );
  env.registerFunction(`string(${duration}): string`, (span: CelDuration) => `${Number(span.seconds) + span.nanos / 1e9}s`, sync);
  env.registerFunction(`int(${timestamp}): int`, (time: Date) => BigInt(Math.floor(time.getTime() / 1000)), sync);
  env.registerFunction(`int(${duration}): int`, (span: CelDuration) => span.seconds, sync);
  env.registerFunction(`timestamp(${timestamp}): ${timestamp}`, (time: Date) => time, sync);
  env.registerFunction(`duration(${duration}): ${duration}`, (span: CelDuration) => span, sync);
}

/** Handlers that never answer a promise: lets the library evaluate without promises. */
export const sync = { async: false } as const;
