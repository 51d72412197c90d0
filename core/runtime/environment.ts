import { readFileSync } from 'node:fs';
import { ConcertinaError, messageOf } from '../errors.ts';
import type { ConfigSources } from './config.ts';

/** The only reader of the process's environment: what `loadConfig` takes as parameters. Throws `CONFIG_INVALID` for an unreadable file. */
export function processSources(flags: Readonly<Record<string, unknown>>, configPath?: string): ConfigSources {
  return { flags, env: process.env, file: configPath === undefined ? undefined : readConfigFile(configPath) };
}

/** One variable of the environment; an empty one counts as absent. */
export function environmentVariable(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

function readConfigFile(path: string): { path: string; text: string } {
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new ConcertinaError('CONFIG_INVALID', `configuration file ${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
      details: { path },
    });
  }
}
