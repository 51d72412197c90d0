import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { ConcertinaError, messageOf } from '../errors.ts';
import { tryParseDurationMs } from '../units/duration.ts';
import { Quantity } from '../units/quantity.ts';
import { nearest } from './nearest.ts';
import { childOf, isContainer, leafPaths, readText, unknownPaths } from './config-schema.ts';

/** Where settings come from, strongest first; what none gives is the schema's default. Nothing here reads the process: see environment.ts. */
export interface ConfigSources {
  /** By flag name without dashes (`sync-period`), as typed by the parser or as text; `undefined` is "not given". */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Variables with the prefix are settings, all others are none of ours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A YAML or JSON document, keys as in the schema. */
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  /** Default `CONCERTINA_`. */
  readonly envPrefix?: string;
}

export interface LoadedConfig<T> {
  readonly value: T;
  /** Who gave the setting at a path (`--sync-period`, `$CONCERTINA_SYNC_PERIOD`, `config.yaml`); paths with defaults are not in it. */
  readonly origins: ReadonlyMap<string, string>;
}

interface Given {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly origin: string;
}

interface Problem {
  readonly path: string;
  readonly origin: string;
  readonly message: string;
}

/**
 * Reads the settings through the caller's schema. The names of flag and variable follow from the path: `leaderElection.leaseDuration` is
 * `--leader-election-lease-duration` and `CONCERTINA_LEADER_ELECTION_LEASE_DURATION`. Throws one `CONFIG_INVALID` that lists every problem.
 */
export function loadConfig<S extends z.ZodObject>(schema: S, sources: ConfigSources): LoadedConfig<z.output<S>> {
  const problems: Problem[] = [];
  const paths = leafPaths(schema);
  const given = [
    ...fromFile(schema, sources, problems),
    ...fromEnvironment(schema, { sources, paths, problems }),
    ...fromFlags(schema, { sources, paths, problems }),
  ];
  const merged: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const { path, value, origin } of given) {
    place(merged, path, value);
    origins.set(path.join('.'), origin);
  }
  const parsed = schema.safeParse(merged);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(problemOf(issue, origins));
  }
  if (problems.length > 0 || !parsed.success) throw configError(problems);
  return { value: parsed.data, origins };
}

/** `leaderElection.leaseDuration` → `leader-election-lease-duration`. */
export function flagName(path: readonly string[]): string {
  return path.map((part) => part.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()).join('-');
}

/** `leaderElection.leaseDuration` → `CONCERTINA_LEADER_ELECTION_LEASE_DURATION`. */
export function environmentName(path: readonly string[], prefix = 'CONCERTINA_'): string {
  return prefix + flagName(path).replaceAll('-', '_').toUpperCase();
}

function fromFile(schema: z.ZodObject, { file }: ConfigSources, problems: Problem[]): Given[] {
  if (file === undefined) return [];
  let document: unknown;
  try {
    document = parseYaml(file.text);
  } catch (error) {
    problems.push({ path: '', origin: file.path, message: `is not YAML or JSON: ${messageOf(error).split('\n')[0] ?? ''}` });
    return [];
  }
  if (document === null || document === undefined) return [];
  if (typeof document !== 'object' || Array.isArray(document)) {
    problems.push({ path: '', origin: file.path, message: 'must be a map of settings' });
    return [];
  }
  const unknown = unknownPaths(schema, document);
  for (const { path, siblings } of unknown) {
    problems.push({ path: path.join('.'), origin: file.path, message: `is not a setting${suggestion(path.at(-1) ?? '', siblings)}` });
  }
  const refused = new Set(unknown.map(({ path }) => path.join('.')));
  return flatten(schema, document as Record<string, unknown>, [])
    .filter(({ path }) => !refused.has(path.join('.')))
    .map((leaf) => ({ ...leaf, origin: file.path }));
}

function flatten(
  schema: z.ZodType,
  value: Readonly<Record<string, unknown>>,
  prefix: readonly string[],
): { path: string[]; value: unknown }[] {
  return Object.entries(value).flatMap(([key, item]) => {
    const path = [...prefix, key];
    const child = childOf(schema, key);
    const nested = child !== undefined && isContainer(child) && typeof item === 'object' && item !== null && !Array.isArray(item);
    return nested ? flatten(child, item as Record<string, unknown>, path) : [{ path, value: item }];
  });
}

interface FlatContext {
  readonly sources: ConfigSources;
  readonly paths: readonly string[][];
  readonly problems: Problem[];
}

function fromEnvironment(schema: z.ZodObject, { sources, paths, problems }: FlatContext): Given[] {
  const prefix = sources.envPrefix ?? 'CONCERTINA_';
  const byName = new Map(paths.map((path) => [environmentName(path, prefix), path]));
  const given: Given[] = [];
  for (const [name, text] of Object.entries(sources.env ?? {})) {
    if (text === undefined || !name.startsWith(prefix)) continue;
    const path = byName.get(name);
    if (path !== undefined) given.push({ path, value: readText(schema, path, text), origin: `$${name}` });
    else if (!isServiceLink(name, text)) {
      problems.push({ path: '', origin: `$${name}`, message: `is not a setting${suggestion(name, [...byName.keys()])}` });
    }
  }
  return given;
}

/** The kubelet sets such variables for every Service of the namespace, one called `concertina` included. */
function isServiceLink(name: string, text: string): boolean {
  return (
    /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    /^(tcp|udp|sctp):\/\//.test(text)
  );
}

function fromFlags(schema: z.ZodObject, { sources, paths, problems }: FlatContext): Given[] {
  const byName = new Map(paths.map((path) => [flagName(path), path]));
  const given: Given[] = [];
  for (const [name, value] of Object.entries(sources.flags ?? {})) {
    if (value === undefined) continue;
    const path = byName.get(name);
    if (path === undefined)
      problems.push({ path: '', origin: `--${name}`, message: `is not a setting${suggestion(name, [...byName.keys()])}` });
    else given.push({ path, value: typeof value === 'string' ? readText(schema, path, value) : value, origin: `--${name}` });
  }
  return given;
}

function suggestion(name: string, known: readonly string[]): string {
  const candidate = nearest(name, known);
  return candidate === undefined ? '' : `, did you mean ${candidate}?`;
}

function place(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = target;
  for (const part of path.slice(0, -1)) {
    const held = at[part];
    const next: Record<string, unknown> = typeof held === 'object' && held !== null ? (held as Record<string, unknown>) : {};
    at[part] = next;
    at = next;
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

function problemOf(issue: z.core.$ZodIssue, origins: ReadonlyMap<string, string>): Problem {
  const parts = issue.path.map(String);
  const path = parts.join('.');
  // The issue may lie inside of a value that was given as a whole.
  for (let length = parts.length; length > 0; length--) {
    const origin = origins.get(parts.slice(0, length).join('.'));
    if (origin !== undefined) return { path, origin, message: issue.message };
  }
  const within = [...origins].filter(([key]) => path === '' || key.startsWith(`${path}.`)).map(([, origin]) => origin);
  return { path, origin: within.length === 0 ? 'not given' : [...new Set(within)].join(', '), message: issue.message };
}

function configError(problems: readonly Problem[]): ConcertinaError {
  const lines = problems.map(({ path, origin, message }) => (path === '' ? `${origin} ${message}` : `${path} (${origin}): ${message}`));
  const count = lines.length === 1 ? 'One setting is' : `${lines.length} settings are`;
  return new ConcertinaError('CONFIG_INVALID', `${count} wrong: ${lines.join('; ')}`, { details: { problems } });
}

/** A length of time in a schema: Go text or seconds on the way in, milliseconds on the way out. */
export function durationMs(options: { readonly minMs?: number; readonly maxMs?: number } = {}) {
  const { minMs = 0, maxMs } = options;
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const milliseconds = tryParseDurationMs(value);
    if (milliseconds === undefined) {
      context.addIssue({
        code: 'custom',
        message: `${JSON.stringify(value)} is not a duration: write 90s, 5m, 1h30m or a number of seconds`,
      });
      return z.NEVER;
    }
    if (milliseconds < minMs || (maxMs !== undefined && milliseconds > maxMs)) {
      const range = maxMs === undefined ? `at least ${minMs / 1000}s` : `${minMs / 1000}s to ${maxMs / 1000}s`;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is out of range: give ${range}` });
      return z.NEVER;
    }
    return milliseconds;
  });
}

/** A Kubernetes quantity in a schema. */
export function quantity() {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const parsed = Quantity.tryParse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is not a quantity: write 100m, 1.5Gi or 2e3` });
    return z.NEVER;
  });
}
