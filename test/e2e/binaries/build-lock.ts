import { link, readFile, rm, writeFile } from 'node:fs/promises';

/**
 * One build at a time over all processes: a file with the holder's process id; a dead holder's lock is taken over. Should two take it over
 * at once they build at once, and each still puts a whole file in place.
 */
export async function underLock(lock: string, work: () => Promise<void>): Promise<void> {
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
