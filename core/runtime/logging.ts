import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import { ConcertinaError } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import { redact, redactText } from './redact.ts';

/** Facts of a log line. An Error among them is written out with its code, stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What the suite logs through: narrow, so that a test passes a recorder. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry these facts too. */
  child(fields: LogFields): Logger;
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Name of the program or component. */
  readonly name: string;
  /** Time of the lines; wall time of the suite, so that a simulation's log shows simulated time. */
  readonly clock: Clock;
  /** Where lines go; default standard error, so that standard output stays for results. */
  readonly destination?: DestinationStream;
}

/** JSON lines by pino: level as a word, `time` in RFC 3339, secrets replaced by `[redacted]` wherever they stand. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true });
  const base = pino(
    {
      level: options.level,
      name: options.name,
      base: { name: options.name },
      timestamp: () => `,"time":"${new Date(options.clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return wrap(base);
}

function wrap(logger: PinoLogger): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void => {
      if (!logger.isLevelEnabled(level)) return;
      logger[level](fields === undefined ? {} : prepare(fields), redactText(message));
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(logger.child(prepare(fields))),
  };
}

function prepare(fields: LogFields): Record<string, unknown> {
  const prepared: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) prepared[key] = value instanceof Error ? describeError(value) : value;
  return redact(prepared) as Record<string, unknown>;
}

/** An error as plain data: type, code, message, details, stack and the chain of causes. */
export function describeError(error: Error, depth = 0): Record<string, unknown> {
  const described: Record<string, unknown> = { type: error.name, message: error.message };
  if (error instanceof ConcertinaError) {
    described['code'] = error.code;
    if (Object.keys(error.details).length > 0) described['details'] = error.details;
  } else if ('code' in error) {
    described['code'] = error.code;
  }
  if (error.stack !== undefined) described['stack'] = error.stack;
  if (error.cause instanceof Error && depth < 5) described['cause'] = describeError(error.cause, depth + 1);
  return described;
}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines (children write into the same list), for tests. */
export function recordingLogger(): Logger & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const make = (context: LogFields): Logger => {
    const write =
      (level: LogLine['level']) =>
      (message: string, fields: LogFields = {}): void => {
        lines.push({ level, message: redactText(message), fields: redact({ ...context, ...fields }) as LogFields });
      };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => make({ ...context, ...fields }),
    };
  };
  return { ...make({}), lines };
}
