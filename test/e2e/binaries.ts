import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, link, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Where the programs of a control plane come from, first that is found:
 * 1. `KUBEBUILDER_ASSETS` (the folder of setup-envtest; kcm and scheduler must be there too or on PATH),
 * 2. `PATH`,
 * 3. the cache, `$E2E_CACHE` or `~/.cache/concertina`, keyed by the wrapper module's text and the Go version,
 * 4. built from Go modules into that cache (about nine minutes on two cores with empty Go caches).
 */
export type Program = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

export interface ControlPlaneBinaries {
  /** For messages: "PATH", "/…/controlplane". */
  readonly source: string;
  /** File and leading arguments that start the program. */
  command(program: Program): { readonly file: string; readonly args: readonly string[] };
}

const programs: readonly Program[] = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const moduleDir = join(import.meta.dirname, 'control-plane');
const kubernetesMinor = 36;
const kubernetesVersion = `v1.${kubernetesMinor}.3`;
const run = promisify(execFile);

export async function findControlPlane(): Promise<ControlPlaneBinaries> {
  const path = (process.env['PATH'] ?? '').split(delimiter);
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const separate = await separateBinaries(assets === undefined ? path : [assets, ...path]);
  if (separate !== undefined) return separate;
  const file = await cachedOrBuilt();
  return { source: file, command: (program) => ({ file, args: [program] }) };
}

async function separateBinaries(folders: readonly string[]): Promise<ControlPlaneBinaries | undefined> {
  const found = new Map<Program, string>();
  for (const program of programs) {
    for (const folder of folders) {
      const file = join(folder, program);
      if (folder !== '' && (await executable(file))) {
        found.set(program, file);
        break;
      }
    }
  }
  if (found.size < programs.length) return undefined;
  return { source: [...found.values()].join(', '), command: (program) => ({ file: found.get(program)!, args: [] }) };
}

async function cachedOrBuilt(): Promise<string> {
  const cache = join(process.env['E2E_CACHE'] ?? join(homedir(), '.cache', 'concertina'), 'control-plane');
  const source = await sourceHash();
  const go = await goVersion();
  if (go === undefined) {
    const any = await anyCached(cache, source);
    if (any !== undefined) return any;
    throw new Error(
      `The real test cluster needs ${programs.join(', ')}: set KUBEBUILDER_ASSETS to a folder with them, put them on PATH, or install Go so that they are built from ${moduleDir}.`,
    );
  }
  const folder = join(cache, `${source}-${go}`);
  const file = join(folder, 'controlplane');
  if (await executable(file)) return file;
  await mkdir(folder, { recursive: true });
  await underLock(join(folder, 'build.lock'), async () => {
    // Another run may have built it while this one waited for the lock.
    if (!(await executable(file))) await build(file);
  });
  return file;
}

/** Without Go its version can't be part of the key: any binary of the same source will do. */
async function anyCached(cache: string, source: string): Promise<string | undefined> {
  const folders = await readdir(cache).catch(() => []);
  for (const folder of folders.filter((name) => name.startsWith(`${source}-`))) {
    const file = join(cache, folder, 'controlplane');
    if (await executable(file)) return file;
  }
  return undefined;
}

async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum', 'main.go']) {
    hash.update(`${name}\n`);
    hash.update(await readFile(join(moduleDir, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function goVersion(): Promise<string | undefined> {
  try {
    // Asked inside the module: its go line may choose another toolchain.
    return (await run('go', ['env', 'GOVERSION'], { cwd: moduleDir })).stdout.trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function build(file: string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  const stamp = 'k8s.io/component-base/version';
  // Without the stamps a component reports the version `v0.0.0-master+$Format:%H$`.
  const flags = [
    '-s -w',
    `-X ${stamp}.gitVersion=${kubernetesVersion}`,
    `-X ${stamp}.gitMajor=1`,
    `-X ${stamp}.gitMinor=${kubernetesMinor}`,
  ].join(' ');
  console.error(`building the control plane ${kubernetesVersion} into ${file}: this takes some minutes, once`);
  try {
    await run('go', ['build', '-trimpath', '-ldflags', flags, '-o', partial, '.'], {
      cwd: moduleDir,
      env: { ...process.env, CGO_ENABLED: '0' },
      maxBuffer: 64 << 20,
    });
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * One build at a time over all processes: a file with the holder's process id; a dead holder's lock is taken over. Should two take it over
 * at once they build at once, and each still puts a whole file in place.
 */
async function underLock(lock: string, work: () => Promise<void>): Promise<void> {
  const own = `${lock}.${process.pid}`;
  await writeFile(own, String(process.pid));
  try {
    // A hard link appears with its content or not at all.
    while (!(await linked(own, lock))) {
      const holder = Number.parseInt(await readFile(lock, 'utf8').catch(() => ''), 10);
      if (Number.isInteger(holder) && !alive(holder)) await rm(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    try {
      await work();
    } finally {
      await rm(lock, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
}

async function linked(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function executable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
