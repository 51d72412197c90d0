import { readFile } from 'node:fs/promises';
import { messageOf } from '../../../core/errors.ts';
import { readSupplied, type StateReading } from './material.ts';

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | undefined;
}

export type ReadText = (path: string) => Promise<string>;

export const readTextFile: ReadText = (path) => readFile(path, 'utf8');

/** Reads the files; a half-written set is `broken` and read again at the next look. */
export async function readCertificateFiles(files: CertificateFiles, readText: ReadText): Promise<StateReading> {
  try {
    const [cert, key, ca] = await Promise.all([
      readText(files.cert),
      readText(files.key),
      files.ca === undefined ? undefined : readText(files.ca),
    ]);
    return readSupplied(cert, key, ca);
  } catch (error) {
    // Node names the path and the fault, never the content.
    return { kind: 'broken', problem: messageOf(error), supplied: true, ca: undefined };
  }
}
