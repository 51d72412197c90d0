import { createServer } from 'node:http';

/** An application that shows metrics, as tests want them. */
export interface ExpositionServer {
  readonly port: number;
  /** This text from now on; `undefined`: it doesn't answer. */
  show(text: string | undefined): void;
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

/** Serves on loopback. What `live` answers is shown before the text, anew at each scrape. */
export async function serveExposition(live: () => readonly ExpositionLine[] = () => []): Promise<ExpositionServer> {
  let shown: string | undefined = '';
  const server = createServer((request, response) => {
    if (shown === undefined) {
      request.socket.destroy();
      return;
    }
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(expositionText(live()) + shown);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('an HTTP server on 127.0.0.1 has no port');
  return {
    port: address.port,
    show: (text) => {
      shown = text;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
