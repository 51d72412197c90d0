import { chmod, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

// One ESM file for the program. Dependencies that are CommonJS call require(): the banner gives them one.
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
].join('\n');

await rm('dist', { recursive: true, force: true });
const result = await build({
  entryPoints: { concertina: 'cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: true,
  banner: { js: banner },
  logLevel: 'warning',
  metafile: true,
});
await chmod('dist/concertina.js', 0o755);
await writeFile('dist/package.json', `${JSON.stringify({ type: 'module' })}\n`);
const bytes = Object.entries(result.metafile.outputs).find(([name]) => name.endsWith('.js'))?.[1].bytes ?? 0;
console.log(`dist/concertina.js  ${(bytes / 1024 / 1024).toFixed(1)} MiB`);
