import { describe, expect, it } from 'vitest';
import { refuseOddSwitches, usageSentence } from './usage.ts';

const known = { commands: ['run', 'recommend'], flags: ['dry-run', 'cooldown-scale-up', 'namespace'] };
const sentence = (message: string, ...words: string[]): string => usageSentence(message, { ...known, words });

describe('usageSentence', () => {
  it('tells commands, flags and stray words apart', () => {
    expect(sentence('Unknown argument: runn', 'runn')).toBe('"runn" is not a command (did you mean run?); concertina has run, recommend');
    expect(sentence('Unknown arguments: dry-rum, dryRum', 'run', '--dry-rum=true')).toBe(
      '--dry-rum is not a flag (did you mean --dry-run?); `concertina run --help` lists the flags',
    );
    expect(sentence('Unknown argument: quux', 'run', '--quux')).toBe('--quux is not a flag; `concertina run --help` lists the flags');
    expect(sentence('Unknown arguments: x, y', 'run', '-xy')).toBe(
      '-x is not a flag, -y is not a flag; `concertina run --help` lists the flags',
    );
    expect(sentence('Unknown argument: extra', 'run', 'extra')).toBe(
      '"extra" has no meaning here; `concertina run --help` lists the flags',
    );
    expect(sentence('Unknown argument: quux', '--quux')).toBe('--quux is not a flag; `concertina --help` lists the flags');
  });

  it('names flag, value and choices', () => {
    const message = 'Invalid values:\n  Argument: output, Given: "yaml", Choices: "table", "json"';
    expect(sentence(message, 'recommend', '-o', 'yaml')).toBe(
      '--output "yaml" is not one of "table", "json"; `concertina recommend --help` tells what each means',
    );
  });

  it('adds where to read more to any other sentence', () => {
    expect(sentence('Not enough arguments', 'run')).toBe('Not enough arguments; `concertina run --help` tells more');
    expect(sentence('name a command; `concertina --help` lists them')).toBe('name a command; `concertina --help` lists them');
  });
});

describe('refuseOddSwitches', () => {
  it.each(['--dry-run=yes', '--dry-run=', '--dry-run=1', '--no-dry-run=TRUE'])(
    'refuses %s, which the parser would read as false',
    (word) => {
      expect(() => refuseOddSwitches(['run', word], ['dry-run'])).toThrow(/^--dry-run ".*" is not true or false; write --dry-run/);
    },
  );

  it.each(['--dry-run', '--dry-run=true', '--dry-run=false', '--no-dry-run', '--dry-runner=yes', '--log-level=info'])(
    'takes %s',
    (word) => {
      expect(() => refuseOddSwitches(['run', word], ['dry-run'])).not.toThrow();
    },
  );
});
