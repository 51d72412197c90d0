import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { underLock } from './build-lock.ts';
import { executable } from './path.ts';

const run = promisify(execFile);

/** A Go module of the harness that is built into one program. */
export interface GoModule {
  /** Its folder in the cache. */
  readonly name: string;
  /** Holds go.mod and go.sum, and with `.` as the package its source. */
  readonly dir: string;
  /** `.`, or a package that go.mod names as a tool. */
  readonly package: string;
  /** Name of the program's file. */
  readonly file: string;
  /** `-X` stamps: without them a program doesn't know its version. */
  readonly stamps: Readonly<Record<string, string>>;
  /** For the message before a build: what, in which version. */
  readonly title: string;
}

export type ModuleState =
  /** It stands in the cache. */
  | { readonly kind: 'built'; readonly file: string }
  /** There is a Go to build it with. */
  | { readonly kind: 'buildable'; readonly file: string }
  | { readonly kind: 'absent' };

/**
 * Looks into the cache, `$E2E_CACHE` or `~/.cache/concertina`, keyed by the module's text and the Go version; builds nothing. Without Go its version
 * can't be part of the key: any program of the same text will do.
 */
export async function lookUpModule(module: GoModule): Promise<ModuleState> {
  const cache = join(process.env['E2E_CACHE'] ?? join(homedir(), '.cache', 'concertina'), module.name);
  const source = await sourceHash(module.dir);
  const go = await goVersion(module.dir);
  if (go === undefined) {
    const file = await anyCached(cache, source, module.file);
    return file === undefined ? { kind: 'absent' } : { kind: 'built', file };
  }
  const file = join(cache, `${source}-${go}`, module.file);
  return { kind: (await executable(file)) ? 'built' : 'buildable', file };
}

/** The module's program, built first if it must be: minutes. */
export async function buildModule(module: GoModule, file: string): Promise<string> {
  const folder = join(file, '..');
  await mkdir(folder, { recursive: true });
  await underLock(join(folder, 'build.lock'), async () => {
    // Another run may have built it while this one waited for the lock.
    if (!(await executable(file))) await build(module, file);
  });
  return file;
}

async function anyCached(cache: string, source: string, name: string): Promise<string | undefined> {
  const folders = await readdir(cache).catch(() => []);
  for (const folder of folders.filter((entry) => entry.startsWith(`${source}-`))) {
    const file = join(cache, folder, name);
    if (await executable(file)) return file;
  }
  return undefined;
}

async function sourceHash(dir: string): Promise<string> {
  const hash = createHash('sha256');
  const sources = (await readdir(dir)).filter((name) => name.endsWith('.go') && !name.endsWith('_test.go')).toSorted();
  for (const name of ['go.mod', 'go.sum', ...sources]) {
    hash.update(`${name}\n`);
    hash.update(await readFile(join(dir, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function goVersion(dir: string): Promise<string | undefined> {
  try {
    // Asked inside the module: its go line may choose another toolchain.
    return (await run('go', ['env', 'GOVERSION'], { cwd: dir })).stdout.trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function build(module: GoModule, file: string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  const flags = ['-s -w', ...Object.entries(module.stamps).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
  console.error(`building ${module.title} into ${file}: this takes some minutes, once`);
  try {
    await run('go', ['build', '-trimpath', '-ldflags', flags, '-o', partial, module.package], {
      cwd: module.dir,
      env: { ...process.env, CGO_ENABLED: '0' },
      maxBuffer: 64 << 20,
    });
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}
