import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { disputed } from './disputed.ts';
import { runners, type VectorCase, type VectorRunner } from './runners.ts';

/** What came of one file. */
export interface FileResult {
  readonly passed: number;
  readonly failures: readonly { readonly id: string; readonly differences: readonly string[] }[];
  readonly disputed: number;
  /** Cases that show a quirk of upstream's that is fixed here, by the quirk's number. */
  readonly quirks: Readonly<Record<string, number>>;
}

/** Reads a vector file: an object with `cases`. Throws a sentence that names the file. */
export async function readVectors(file: string): Promise<readonly VectorCase[]> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON: ${messageOf(error)}`, { cause: error });
  }
  const cases = typeof parsed === 'object' && parsed !== null ? (parsed as { cases?: unknown }).cases : undefined;
  if (!Array.isArray(cases)) throw new Error(`${file} is not a vector file: it has no list "cases"`);
  return cases as readonly VectorCase[];
}

export function runCases(cases: readonly VectorCase[], runner: VectorRunner): FileResult {
  let passed = 0;
  let contested = 0;
  const quirks: Record<string, number> = {};
  const failures: { id: string; differences: readonly string[] }[] = [];
  for (const vector of cases) {
    const differences = differencesOf(vector, runner);
    if ('quirk' in differences) quirks[differences.quirk] = (quirks[differences.quirk] ?? 0) + 1;
    else if (differences.length === 0) passed += 1;
    else if (disputed[vector.id] !== undefined) contested += 1;
    else failures.push({ id: vector.id, differences });
  }
  return { passed, failures, disputed: contested, quirks };
}

function differencesOf(vector: VectorCase, runner: VectorRunner): ReturnType<VectorRunner> {
  try {
    return runner(vector);
  } catch (error) {
    return [`threw ${messageOf(error)}`];
  }
}

const shownFailures = 20;

async function main(directory: string | undefined): Promise<number> {
  if (directory === undefined) {
    console.error('usage: npm run -s conformance -- DIR, where DIR holds vector files (*.json)');
    return 2;
  }
  const info = await stat(directory).catch(() => undefined);
  if (info === undefined || !info.isDirectory()) {
    console.error(`${directory} is not a directory; give the one that holds the vector files (*.json)`);
    return 2;
  }
  const files = (await readdir(directory)).filter((name) => name.endsWith('.json')).toSorted();
  if (files.length === 0) {
    console.error(`${directory} holds no *.json file; give the directory of the vector files`);
    return 2;
  }
  const width = Math.max(...files.map((name) => name.length));
  let passed = 0;
  let failed = 0;
  for (const name of files) {
    const runner = runners[name];
    const label = name.padEnd(width);
    if (runner === undefined) {
      console.log(`${label}  not yet`);
      continue;
    }
    const result = runCases(await readVectors(path.join(directory, name)), runner);
    passed += result.passed;
    failed += result.failures.length;
    const contested = result.disputed === 0 ? '' : `, ${result.disputed} disputed`;
    const fixed = Object.entries(result.quirks).map(([quirk, count]) => `, ${count} fixed quirk ${quirk}`);
    console.log(`${label}  ${result.passed} passed, ${result.failures.length} failed${contested}${fixed.join('')}`);
    for (const { id, differences } of result.failures.slice(0, shownFailures))
      console.log(`  ${id}: ${differences.slice(0, 3).join('; ')}`);
    if (result.failures.length > shownFailures) console.log(`  … and ${result.failures.length - shownFailures} more`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === path.resolve(import.meta.filename)) {
  process.exitCode = await main(process.argv[2]).catch((error: unknown) => {
    console.error(messageOf(error));
    return 2;
  });
}
