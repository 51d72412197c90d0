/** Options of a group as clouds carry them: texts in tags or annotations, named as upstream names them (§16, §18). */
import { tryParseDurationMs } from '../../core/units/index.ts';
import type { ProviderGroupOptions } from './provider.ts';

/** What was written and cannot be used; the flag's default holds instead. */
export interface TextProblem {
  /** The tag or annotation, without its prefix where that is always the same. */
  readonly key: string;
  readonly value: string;
  readonly reason: string;
}

interface Reader {
  readonly field: keyof ProviderGroupOptions;
  readonly read: (text: string) => number | boolean | undefined;
  readonly wanted: string;
}

const share = { read: shareOf, wanted: 'a number such as 0.5' } as const;
const duration = { read: durationOf, wanted: 'a duration with a unit such as 90s or 10m' } as const;
const truth = { read: truthOf, wanted: 'true or false' } as const;

const readers = {
  scaledownutilizationthreshold: { field: 'utilizationThreshold', ...share },
  scaledowngpuutilizationthreshold: { field: 'gpuUtilizationThreshold', ...share },
  scaledownunneededtime: { field: 'unneededMs', ...duration },
  scaledownunreadytime: { field: 'unreadyMs', ...duration },
  ignoredaemonsetsutilization: { field: 'ignoreDaemonSetsUtilization', ...truth },
  maxnodeprovisiontime: { field: 'maxProvisionMs', ...duration },
  maxnodestartuptime: { field: 'maxStartupMs', ...duration },
  zeroormaxnodescaling: { field: 'zeroOrMax', ...truth },
} as const satisfies Record<string, Reader>;

/** Name of an option in tags and annotations. */
export type GroupOptionName = keyof typeof readers;

/** The five options that upstream reads from the tags of an Auto Scaling group. */
export const upstreamAwsOptions: readonly GroupOptionName[] = [
  'scaledownutilizationthreshold',
  'scaledowngpuutilizationthreshold',
  'scaledownunneededtime',
  'scaledownunreadytime',
  'ignoredaemonsetsutilization',
];

/** Every option that a group can carry. */
export const allGroupOptions = Object.keys(readers) as readonly GroupOptionName[];

/** Reads the options that are in `known`, other names are none of ours. A bad value is left out and reported, so that the default holds. */
export function readGroupOptions(
  texts: Readonly<Record<string, string>>,
  known: readonly GroupOptionName[],
): { readonly options: ProviderGroupOptions; readonly problems: readonly TextProblem[] } {
  const options: Partial<Record<keyof ProviderGroupOptions, number | boolean>> = {};
  const problems: TextProblem[] = [];
  for (const name of known) {
    const text = texts[name];
    if (text === undefined) continue;
    const reader: Reader = readers[name];
    const value = reader.read(text);
    if (value === undefined) problems.push({ key: name, value: text, reason: `is not ${reader.wanted}; the default holds` });
    else options[reader.field] = value;
  }
  return { options: options as ProviderGroupOptions, problems };
}

function shareOf(text: string): number | undefined {
  const value = /^[+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

/** Go's durations: a number needs a unit, except zero. Negative ones are not times to wait. */
function durationOf(text: string): number | undefined {
  if (/^[+]?[0-9.]+$/.test(text) && Number(text) !== 0) return undefined;
  const milliseconds = tryParseDurationMs(text);
  return milliseconds === undefined || milliseconds < 0 ? undefined : milliseconds;
}

/** Go's ParseBool. */
function truthOf(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}
