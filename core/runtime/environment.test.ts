import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentVariable, processSources } from './environment.ts';

describe('processSources', () => {
  it('reads the file that is named and the environment of the process', () => {
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    const path = join(folder, 'config.yaml');
    writeFileSync(path, 'workers: 2\n');
    const sources = processSources({ workers: 3 }, path);
    expect(sources).toMatchObject({ flags: { workers: 3 }, file: { path, text: 'workers: 2\n' } });
    expect(sources.env?.['PATH']).toBe(environmentVariable('PATH'));
    rmSync(folder, { recursive: true });
    expect(() => processSources({}, path)).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(processSources({}).file).toBeUndefined();
  });
});
