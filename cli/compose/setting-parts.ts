import { z } from 'zod';
import { durationMs, quantity } from '../../core/runtime/config.ts';

/** The kinds of values that settings are made of, each with its sentence for a wrong one. */

export const duration = (text: string, about: string, minMs = 0) => durationMs({ minMs }).prefault(text).describe(`${about} (${text})`);

export const notA = (what: string) => ({ error: ({ input }: { input?: unknown }) => `${JSON.stringify(input)} is not ${what}` });

/** A number that is refused with its value and the form that it should have. */
export const number = (form: string, accepts: (value: number) => boolean) => z.number(notA(form)).refine(accepts, notA(form));

export const wholeFrom = (least: number) =>
  number(`a whole number of ${least} or more`, (value) => Number.isInteger(value) && value >= least);

/** A share, 0…1. */
export const fraction = (about: string, standard: number) =>
  number('a number from 0 to 1', (value) => value >= 0 && value <= 1)
    .default(standard)
    .describe(`${about} (${standard})`);

/** An amount of cpu, read into milli-cores, or of memory, read into bytes; rounded up. */
export const amount = (resource: 'cpu' | 'memory') => {
  const example = resource === 'cpu' ? '250m or 2' : '250Mi';
  return quantity()
    .refine((value) => value.sign >= 0, { error: `must be 0 or more, such as ${example}` })
    .transform((value) => Number(resource === 'cpu' ? value.toMilli('up') : value.toInteger('up')));
};

export const flag = (about: string, standard: boolean) =>
  z.boolean(notA('true or false')).default(standard).describe(`${about} (${standard})`);

/** HOST:PORT. */
export const address = (about: string) =>
  z
    .string()
    .refine(isAddress, { error: ({ input }) => `"${String(input)}" is not HOST:PORT, such as 127.0.0.1:8443` })
    .optional()
    .describe(about);

export function isLoopback(at: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):/.test(at);
}

export function isAddress(text: string): boolean {
  const port = /^(?:\[[0-9a-fA-F:]+\]|[^:]+)?:(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** `min:max`, whole numbers. */
export const range = (about: string, standard: string) =>
  z
    .string()
    .regex(/^\d{1,9}:\d{1,9}$/, notA('MIN:MAX, two whole numbers'))
    .transform((text) => {
      const [min = 0, max = 0] = text.split(':').map(Number);
      return { min, max };
    })
    .refine(({ min, max }) => min <= max, 'the first number must not be more than the second')
    .optional()
    .describe(`${about} (${standard})`);

/** A text that is read by a parser which answers what is wrong as a text of its own. */
export const parsed = <T extends object>(parse: (text: string) => T | string) =>
  z.string().transform((text, context) => {
    const value = parse(text);
    if (typeof value !== 'string') return value;
    context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${value}` });
    return z.NEVER;
  });
