import { createServer } from 'node:http';
import type { Prometheus } from './companions/prometheus.ts';

/** An application that shows metrics, as tests want them. */
export interface ExpositionServer {
  readonly port: number;
  /** Shows this text from now on, and answers when a Prometheus that scrapes it has it (and what is no longer in it has gone stale). */
  publish(text: string, prometheus: Prometheus): Promise<void>;
  close(): Promise<void>;
}

/** One line of an exposition. */
export interface ExpositionLine {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function expositionText(lines: readonly ExpositionLine[]): string {
  return lines
    .map(({ name, labels, value }) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
      return `${name}{${pairs.join(',')}} ${numberText(value)}\n`;
    })
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

/** Counts up with each published text, so that one can tell which one was scraped last. */
const marker = 'e2e_exposition_generation';

/**
 * Serves on loopback. `name` tells it from others that the same Prometheus scrapes; what `live` answers is shown beside the published text, anew at
 * each scrape.
 */
export async function serveExposition(name: string, live: () => readonly ExpositionLine[] = () => []): Promise<ExpositionServer> {
  let generation = 0;
  let text = '';
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(expositionText(live()) + text);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('an HTTP server on 127.0.0.1 has no port');
  return {
    port: address.port,
    publish: async (body, prometheus) => {
      const wanted = ++generation;
      text = `${body}${body === '' || body.endsWith('\n') ? '' : '\n'}${marker}{exposition="${name}"} ${wanted}\n`;
      // One scrape is taken in as a whole: with the marker everything is there.
      await prometheus.untilValue(`${marker}{exposition="${name}"}`, (value) => value === wanted);
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
