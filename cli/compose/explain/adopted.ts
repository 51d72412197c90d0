import type { Argv } from 'yargs';
import type { Adopted } from '../recommend-from.ts';

const adoptable = ['hpa', 'vpa'] as const;

/** Who carries native objects out decides who is told of what: a recommendation asks for the same words as `run`. */
export function declareAdopt<T>(args: Argv<T>): Argv<T> {
  return args.option('adopt', {
    choices: [...adoptable, adoptable.join(',')],
    description: 'Native objects that `run` carries out in this cluster, as its flag says (none)',
  }) as unknown as Argv<T>;
}

export function adoptedOf(args: Readonly<Record<string, unknown>>): Adopted {
  const text = args['adopt'];
  const words = typeof text === 'string' ? text.split(',') : [];
  return adoptable.filter((each) => words.includes(each));
}
