import type { DoctorReport } from '../compose/doctor/report.ts';
import { foreign } from '../compose/doctor/foreign-text.ts';
import { terminalJson } from './sources-text.ts';
import { formatTable, printable } from './table.ts';

/** The report as JSON: a machine reads the same value, a terminal meets nothing that it would obey. */
export function doctorJson(report: DoctorReport): string {
  return `${terminalJson(report)}\n`;
}

/** Of one line; the longest sentences name a few dozen objects. */
const mostCharacters = 1_500;

/** One line for each check, the counts, and the proposals ready to be applied. */
export function doctorTable(report: DoctorReport, { colour }: { readonly colour: boolean }): string {
  const rows = report.checks.map(({ status, check, message }) => [status, foreign(check, 200), foreign(message, mostCharacters)]);
  const table = formatTable([{ heading: 'STATUS' }, { heading: 'CHECK' }, { heading: 'WHAT' }], rows);
  const parts = [colour ? coloured(table) : table, summaryLine(report), ...report.proposals.map(proposalText)];
  return `${parts.join('\n\n')}\n`;
}

function summaryLine({ summary, checks }: DoctorReport): string {
  const { ok, warn, fail, skipped } = summary;
  return `${checks.length} checks: ${ok} OK, ${warn} WARN, ${fail} FAIL, ${skipped} SKIPPED`;
}

/** A document of its own, so that all of the output after the summary can be applied. */
function proposalText({ yaml }: DoctorReport['proposals'][number]): string {
  return `---\n${yaml.trimEnd().split('\n').map(printable).join('\n')}`;
}

const escape = '\u001b[';
const colours: Readonly<Record<string, string>> = { OK: '32m', WARN: '33m', FAIL: '31m', SKIPPED: '2m' };

function coloured(table: string): string {
  return table
    .split('\n')
    .map((line) => line.replace(/^(OK|WARN|FAIL|SKIPPED)\b/, (status) => `${escape}${colours[status] ?? '0m'}${status}${escape}0m`))
    .join('\n');
}

/** Colours are for a person at a terminal who has not asked to be spared them (no-color.org). */
export function wantsColour(stream: { readonly isTTY?: boolean | undefined }, variable: (name: string) => string | undefined): boolean {
  return stream.isTTY === true && variable('NO_COLOR') === undefined && variable('TERM') !== 'dumb';
}
