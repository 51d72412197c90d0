import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe } from 'vitest';
import { underLock } from '../binaries/build-lock.ts';
import { createHttpApi } from '../http-api.ts';
import { startProcess, type ManagedProcess } from '../process.ts';
import { removeDir } from '../real-cluster.ts';
import { onFreePorts, untilAnswered } from '../start.ts';

const run = promisify(execFile);

/** moto and all that it needs, each in its version. */
const requirements = join(import.meta.dirname, 'requirements.txt');

export type MotoSearch =
  /** `file` answers the program `moto_server`; installed by the first call if it must be: some seconds. */
  | { readonly ok: true; readonly file: () => Promise<string> }
  /** One sentence: what is missing, what to do. */
  | { readonly ok: false; readonly sentence: string };

/** Looks for moto in the cache, `$E2E_CACHE` or `~/.cache/concertina`, and for a Python that could install it there; installs nothing yet. */
export async function findMoto(): Promise<MotoSearch> {
  const cache = join(process.env['E2E_CACHE'] ?? join(homedir(), '.cache', 'concertina'), 'moto');
  const source = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 16);
  const python = await pythonVersion();
  if (python === undefined) return { ok: false, sentence: 'there is no moto: install Python 3 with venv so that it is installed by pip.' };
  const folder = join(cache, `${source}-${python}`);
  return { ok: true, file: () => installed(folder) };
}

/** The version of a Python 3 that can make virtual environments. */
async function pythonVersion(): Promise<string | undefined> {
  const script = 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])';
  return run('python3', ['-c', script]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

async function installed(folder: string): Promise<string> {
  const file = join(folder, 'bin', 'moto_server');
  // The program is there before all that it needs is: only the mark says that the folder is whole.
  const whole = (): Promise<boolean> => exists(join(folder, 'installed'));
  if (await whole()) return file;
  await mkdir(join(folder, '..'), { recursive: true });
  await underLock(`${folder}.lock`, async () => {
    // Another run may have installed it while this one waited for the lock.
    if (!(await whole())) await install(folder);
  });
  return file;
}

/** Programs of a virtual environment know their folder by its path: it is made in its place. */
async function install(folder: string): Promise<void> {
  console.error(`installing moto into ${folder}: this takes some seconds, once`);
  await rm(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '-r', requirements];
  await run(join(folder, 'bin', 'python'), pip, { maxBuffer: 16 << 20 });
  await writeFile(join(folder, 'installed'), '');
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

export interface Moto {
  readonly url: string;
  readonly process: ManagedProcess;
  /** Forgets everything that was made. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** A moto server on loopback with reproducible ids; answers when it is ready. */
export async function startMoto(file: string): Promise<Moto> {
  const dir = await mkdtemp(join(tmpdir(), 'concertina-moto-'));
  return onFreePorts(1, async ([port]) => {
    const url = `http://127.0.0.1:${port}`;
    const child = startProcess({
      name: 'moto',
      file,
      args: ['-H', '127.0.0.1', '-p', String(port)],
      logFile: join(dir, 'moto.log'),
      cwd: dir,
    });
    const api = createHttpApi({ server: url });
    const stop = async (): Promise<void> => {
      api.close();
      await child.stop();
      await removeDir(dir);
    };
    try {
      await untilAnswered(api, '/moto-api/', [child]);
      await api.post('/moto-api/seed?a=42', {});
    } catch (error) {
      await stop();
      throw error;
    }
    return { url, process: child, reset: async () => void (await api.post('/moto-api/reset', {})), stop };
  });
}

/**
 * A suite that needs moto. Where it cannot be had it is skipped, with the sentence that says what to do; with `E2E_COMPANIONS=required` that is a
 * failure, for where it is meant to be a run that skips would prove nothing.
 */
export function describeWithMoto(search: MotoSearch, title: string, body: (file: () => Promise<string>) => void): void {
  const obstacle = search.ok ? undefined : search.sentence;
  if (obstacle !== undefined && process.env['E2E_COMPANIONS'] === 'required') throw new Error(`E2E_COMPANIONS=required, but ${obstacle}`);
  if (obstacle !== undefined) console.warn(`${title}: skipped, ${obstacle}`);
  const note = obstacle === undefined ? '' : ` (skipped: ${obstacle})`;
  describe.skipIf(obstacle !== undefined)(`${title}${note}`, () => {
    body(() => (search.ok ? search.file() : Promise.reject(new Error(search.sentence))));
  });
}
