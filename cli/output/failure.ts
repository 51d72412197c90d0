import { errorCodes, isConcertinaError, messageOf } from '../../core/errors.ts';
import { printable } from './table.ts';

/** Wrong words on the command line. */
export class UsageError extends Error {}

/**
 * One line for what ended the program: what is wrong, what to do, and the code that docs/errors.md explains. Sentences of the suite carry their remedy after a
 * semicolon, after "write", or as a question; one without gets that of the code.
 */
export function failureLine(thrown: unknown): string {
  const sentence = oneLine(messageOf(thrown));
  if (!isConcertinaError(thrown)) return `concertina: ${sentence}`;
  const hasRemedy = /; |\?$|: (?:write|give|use) /.test(sentence);
  const remedy = hasRemedy ? '' : `; ${lowerFirst(errorCodes[thrown.code].remedy).replace(/\.$/, '')}`;
  return `concertina: ${sentence}${remedy} [${thrown.code}]`;
}

/** Wrong words and settings end with 2, everything else that fails with 1. */
export function exitCodeOf(thrown: unknown): 1 | 2 {
  return thrown instanceof UsageError || isConcertinaError(thrown, 'CONFIG_INVALID') ? 2 : 1;
}

function oneLine(text: string): string {
  return printable(text.trim().replace(/\s*\r?\n\s*/g, ' ')).replace(/\.$/, '');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
