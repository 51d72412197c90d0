import { request } from 'node:https';
import { checkServerIdentity } from 'node:tls';
import { isIP } from 'node:net';
import { messageOf } from '../../../core/errors.ts';
import type { Clock } from '../../../core/model/clock.ts';

export interface ProbeTarget {
  /** As the server listens: an address for all interfaces means loopback here. */
  readonly host: string;
  readonly port: number;
  /** The name that API servers verify. */
  readonly name: string;
  /** PEM, as registered. */
  readonly ca: string;
  readonly path: string;
}

/** Asks the own endpoint as an API server would, over a new connection. Answers what is wrong, `undefined` when nothing is. Never throws. */
export type Probe = (target: ProbeTarget) => Promise<string | undefined>;

/** Far less than a webhook may take. */
const probeTimeoutMs = 3_000;
const maxAnswerChars = 200;

export function createProbe(clock: Clock): Probe {
  return (target) =>
    new Promise((resolve) => {
      const where = `https://${hostText(target.host)}:${target.port}${target.path}`;
      const timer = clock.setTimeout(() => sent.destroy(new Error(`no answer within ${probeTimeoutMs} ms`)), probeTimeoutMs);
      const end = (problem: string | undefined): void => {
        timer.cancel();
        resolve(problem === undefined ? undefined : `the own webhook endpoint ${where} does not work: ${problem}`);
      };
      const sent = request(
        {
          host: loopbackOf(target.host),
          port: target.port,
          path: target.path,
          ca: target.ca,
          agent: false,
          // RFC 6066 has no addresses in SNI.
          ...(isIP(target.name) === 0 ? { servername: target.name } : { servername: '' }),
          checkServerIdentity: (_host, certificate) => checkServerIdentity(target.name, certificate),
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            if (text.length < maxAnswerChars) text += chunk.toString('latin1');
          });
          response.on('end', () => end(response.statusCode === 200 ? undefined : `status ${response.statusCode}: ${oneLine(text)}`));
          response.on('error', (error) => end(messageOf(error)));
        },
      );
      sent.on('error', (error) => end(messageOf(error)));
      sent.end();
    });
}

function loopbackOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function hostText(host: string): string {
  const address = loopbackOf(host);
  return address.includes(':') ? `[${address}]` : address;
}

function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, maxAnswerChars);
}
