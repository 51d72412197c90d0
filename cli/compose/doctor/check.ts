/** `SKIPPED`: could not or need not be looked at; the sentence says which. */
export type CheckStatus = 'OK' | 'WARN' | 'FAIL' | 'SKIPPED';

/** One line of a check-up. */
export interface Check {
  /** Stable name: `metrics.k8s.io/coverage`. Several lines may have the same. */
  readonly check: string;
  readonly status: CheckStatus;
  /** One sentence: object, value, and what to do unless it is OK. */
  readonly message: string;
  /** The values of the sentence, for a machine. */
  readonly values?: Readonly<Record<string, unknown>> | undefined;
}

type Values = Check['values'];

export function ok(check: string, message: string, values?: Values): Check {
  return { check, status: 'OK', message, values };
}

export function warn(check: string, message: string, values?: Values): Check {
  return { check, status: 'WARN', message, values };
}

export function fail(check: string, message: string, values?: Values): Check {
  return { check, status: 'FAIL', message, values };
}

export function skipped(check: string, message: string, values?: Values): Check {
  return { check, status: 'SKIPPED', message, values };
}

/** Lines of one check that are shown; a cluster where everything is wrong in the same way is not to flood a terminal or a log. */
const maxLines = 50;

/** At most {@link maxLines} of the problems, with the number of the others; `clean` when there are none. */
export function boundedLines(problems: readonly Check[], clean: Check): Check[] {
  if (problems.length === 0) return [clean];
  if (problems.length <= maxLines) return [...problems];
  const rest = problems.slice(maxLines);
  const worst = rest.some(({ status }) => status === 'FAIL') ? 'FAIL' : 'WARN';
  const more: Check = {
    check: clean.check,
    status: worst,
    message: `and ${rest.length} more like these; correct the ones above first`,
    values: { more: rest.length },
  };
  return [...problems.slice(0, maxLines), more];
}

/** Names for a sentence: the first few, and how many more there are. */
export function listed(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** `1 pod`, `3 pods`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
