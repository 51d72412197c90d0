import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../core/kube/index.ts';
import { eventually, makeCertificate } from '../../core/kube/test-support.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { recordingLogger } from '../../core/runtime/logging.ts';
import { createServing, type ServingOptions } from './serving.ts';
import { runSettings } from './settings.ts';

const names = { api: 'the API of the metrics aggregator', external: 'external.metrics.k8s.io' } as const;
type Door = keyof typeof names;
const doors: readonly Door[] = ['api', 'external'];
const minute = 60_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concertina-serving-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ca = makeCertificate({ cn: 'ca' });
const file = (door: Door, kind: 'crt' | 'key'): string => path.join(folder, `${door}.${kind}`);

async function issue(door: Door, cn: string): Promise<void> {
  const { cert, key } = makeCertificate({ cn, issuer: ca });
  await writeFile(file(door, 'crt'), cert);
  await writeFile(file(door, 'key'), key);
}

/** Both doors are open, each with a certificate of its own. */
async function open() {
  for (const door of doors) await issue(door, `${door}-1`);
  const clock = new VirtualClock();
  const logger = recordingLogger();
  const refuse = (): Promise<never> => Promise.reject(new Error('nobody is asked here'));
  const files = (door: Door) => ({ address: '127.0.0.1:0', certFile: file(door, 'crt'), keyFile: file(door, 'key') });
  const serving = createServing({
    settings: runSettings.parse({ components: ['metrics-aggregator'], serve: files('api'), externalMetrics: files('external') }),
    aggregator: {
      view: () => ({ sequence: 0 }),
      onView: () => () => undefined,
      demand: () => undefined,
    } as unknown as ServingOptions['aggregator'],
    sources: { specs: () => new Map() } as unknown as ServingOptions['sources'],
    pods: () => [],
    client: { get: refuse, raw: refuse } as unknown as KubeClient,
    clock,
    random: () => 0.5,
    logger,
  });
  await serving.start();
  const port = (door: Door): number => Number(logger.lines.find(({ message }) => message === `serving ${names[door]}`)?.fields['port']);
  /** Common name of the certificate that is shown. */
  const shown = (door: Door): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: port(door), host: '127.0.0.1', ca: ca.cert }, () => {
        const { CN } = socket.getPeerCertificate().subject;
        resolve(typeof CN === 'string' ? CN : '');
        socket.destroy();
      });
      socket.once('error', reject);
    });
  /** A minute later the files are read, which takes a moment. */
  const renewed = async (door: Door, cn: string): Promise<string> => {
    let last = await shown(door);
    for (let tries = 0; last !== cn && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      last = await shown(door);
    }
    return last;
  };
  return { clock, logger, serving, shown, renewed };
}

describe('certificates of what is served', () => {
  it('are read again every minute, each from its own files', async () => {
    const { clock, serving, shown, renewed } = await open();
    expect(await Promise.all(doors.map(shown))).toEqual(['api-1', 'external-1']);
    for (const round of [2, 3]) {
      for (const door of doors) await issue(door, `${door}-${round}`);
      await clock.advance(minute);
      for (const door of doors) expect(await renewed(door, `${door}-${round}`)).toBe(`${door}-${round}`);
    }
    await serving.stop();
    expect(clock.pending, 'nothing is left to do').toBe(0);
  });

  it('that do not fit are told of, and read again', async () => {
    const { clock, logger, serving, shown, renewed } = await open();
    await writeFile(file('api', 'key'), makeCertificate({ cn: 'other' }).key);
    await clock.advance(minute);
    const told = () => logger.lines.filter(({ message }) => message.startsWith(`the certificate of ${names.api} could not be renewed`));
    await eventually(() => told().length === 1, 'the first warning');
    expect(await shown('api')).toBe('api-1');
    await clock.advance(minute);
    await eventually(() => told().length === 2, 'the second warning');
    await rm(file('api', 'crt'));
    await clock.advance(minute);
    await eventually(() => told().length === 3, 'the third warning');
    await issue('api', 'api-2');
    await clock.advance(minute);
    expect(await renewed('api', 'api-2')).toBe('api-2');
    await serving.stop();
    expect(clock.pending).toBe(0);
  });
});
