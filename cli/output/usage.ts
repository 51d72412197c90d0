import { UsageError } from './failure.ts';
import { nearest } from '../../core/runtime/nearest.ts';

export interface UsageContext {
  /** Words as typed, without the program's name. */
  readonly words: readonly string[];
  /** All commands. */
  readonly commands: readonly string[];
  /** Flags of the command, without dashes. */
  readonly flags: readonly string[];
}

/** The parser's complaint about the words as one sentence that names the word and what to do. */
export function usageSentence(message: string, context: UsageContext): string {
  const command = context.words.find((word) => !word.startsWith('-'));
  const known = command !== undefined && context.commands.includes(command) ? command : undefined;
  const unknown = /^Unknown (?:arguments?|commands?): (.+)$/s.exec(message)?.[1]?.split(', ');
  if (unknown !== undefined) return unknownSentence([...new Set(unknown)], { ...context, command, known });
  const choice = /Argument: ([^,]+), Given: (.*), Choices: (.*)$/s.exec(message);
  if (choice !== null) {
    const [, name, given, choices] = choice;
    return `--${name} ${given} is not one of ${choices}; ${helpOf(known)} tells what each means`;
  }
  return message.includes(';') ? message : `${message}; ${helpOf(known)} tells more`;
}

function unknownSentence(
  names: readonly string[],
  context: UsageContext & { readonly command: string | undefined; readonly known: string | undefined },
): string {
  const { words, commands, flags, command, known } = context;
  if (known === undefined && command !== undefined) {
    return `"${command}" is not a command${suggestion(command, commands, '')}; concertina has ${commands.join(', ')}`;
  }
  // The parser names a flag twice: as typed and in camel case.
  const typed = names.filter((name) => !names.some((other) => other !== name && camelCase(other) === name));
  const shown = typed.map((name) => {
    const flag = words.find((word) => word.startsWith('-') && word.replace(/^-+/, '').split('=', 1)[0] === name);
    if (flag === undefined && !isShort(name, words)) return `"${name}" has no meaning here`;
    return `${flag?.split('=', 1)[0] ?? `-${name}`} is not a flag${suggestion(name, flags, '--')}`;
  });
  return `${shown.join(', ')}; ${helpOf(known)} lists the flags`;
}

function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** A switch takes `true` or `false` and nothing else: the parser reads `--dry-run=yes` as false, and the program would act. */
export function refuseOddSwitches(words: readonly string[], switches: readonly string[]): void {
  for (const word of words) {
    const [, name = '', value = ''] = /^--(?:no-)?([^=]+)=(.*)$/s.exec(word) ?? [];
    if (switches.includes(name) && value !== 'true' && value !== 'false')
      throw new UsageError(`--${name} "${value}" is not true or false; write --${name}, --${name}=false or nothing`);
  }
}

/** A letter out of a group like `-xyz`. */
function isShort(name: string, words: readonly string[]): boolean {
  return name.length === 1 && words.some((word) => /^-[^-]/.test(word) && word.includes(name));
}

function suggestion(name: string, known: readonly string[], dashes: string): string {
  const candidate = nearest(name, known);
  return candidate === undefined ? '' : ` (did you mean ${dashes}${candidate}?)`;
}

function helpOf(command: string | undefined): string {
  return `\`concertina ${command === undefined ? '' : `${command} `}--help\``;
}
