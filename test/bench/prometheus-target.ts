import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a Prometheus scrapes in the bench: counters of pods of many applications, in some namespaces. */
export interface ScrapeTarget {
  readonly address: string;
  close(): Promise<void>;
}

export interface TargetSize {
  readonly apps: number;
  readonly podsPerApp: number;
  readonly namespaces: number;
}

export function namespaceOfApp(app: number, { namespaces }: Pick<TargetSize, 'namespaces'>): string {
  return `team-${app % namespaces}`;
}

/** Counters rise by their own speed, so that every rate is another number. */
export async function startTarget(size: TargetSize): Promise<ScrapeTarget> {
  const prefixes = Array.from({ length: size.apps * size.podsPerApp }, (_, index) => {
    const app = Math.floor(index / size.podsPerApp);
    const labels = `namespace="${namespaceOfApp(app, size)}",app="app-${app}",pod="app-${app}-${index % size.podsPerApp}",code="200"`;
    return `http_requests_total{${labels}} `;
  });
  const server = createServer((_, response) => {
    const seconds = performance.now() / 1000;
    const lines = prefixes.map((prefix, index) => `${prefix}${Math.floor(seconds * (1 + (index % 97)))}`);
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`# TYPE http_requests_total counter\n${lines.join('\n')}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
