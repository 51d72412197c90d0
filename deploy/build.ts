import { chmod, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

// One ESM file for the program, and some for what it imports lazily. Dependencies that are CommonJS call require(): the banner gives them one.
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
].join('\n');

/** Bundles the program into `folder` (the lazily imported in `chunks` beside it), replacing it, and answers the path of the program and its size in bytes. */
export async function buildBundle(folder: string): Promise<{ readonly file: string; readonly bytes: number }> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  await rm(folder, { recursive: true, force: true });
  const result = await build({
    absWorkingDir: root,
    entryPoints: { concertina: 'cli/main.ts' },
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: true,
    // What is imported lazily (the SDKs of clouds) stays in files of its own, which most runs never read.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    banner: { js: banner },
    logLevel: 'warning',
    metafile: true,
  });
  const file = path.join(folder, 'concertina.js');
  await chmod(file, 0o755);
  await writeFile(path.join(folder, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`);
  const bytes = Object.entries(result.metafile.outputs).find(([name]) => name.endsWith('.js'))?.[1].bytes ?? 0;
  return { file, bytes };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { file, bytes } = await buildBundle(fileURLToPath(new URL('../dist', import.meta.url)));
  console.log(`${path.relative(process.cwd(), file)}  ${(bytes / 1024 / 1024).toFixed(1)} MiB`);
}
