import type { Dispatcher } from 'undici';
import { ConcertinaError } from '../errors.ts';

/** Request headers; a list stands for a header that is repeated (`Impersonate-Group`). */
export type RequestHeaders = Readonly<Record<string, string | string[]>>;

/** The way to one API server: where it is, the pooled transport, and who we are. */
export interface Connection {
  /** Base URL without a trailing slash; may carry a path prefix (a gateway in front of many clusters). */
  readonly server: string;
  /** Read anew for every request: it is replaced when certificates rotate. */
  readonly dispatcher: Dispatcher;
  /** Credentials as headers; cached, so cheap to ask for every request. */
  headers(): Promise<RequestHeaders>;
  /** Throws the cached credentials away and gets new ones, after a 401. Absent when there is nothing to refresh. */
  refresh?(): Promise<void>;
  /** Ends idle and running connections. */
  close?(): Promise<void>;
}

/** The connection to a cluster in this process, or to anything that needs no credentials. */
export function connectionFromDispatcher(options: {
  readonly server: string;
  readonly dispatcher: Dispatcher;
  readonly headers?: RequestHeaders;
}): Connection {
  const headers = Promise.resolve(options.headers ?? {});
  return {
    server: normalServer(options.server),
    dispatcher: options.dispatcher,
    headers: () => headers,
    close: () => options.dispatcher.close(),
  };
}

/** The server's URL without trailing slash; throws `KUBECONFIG_INVALID` when it is not an http(s) URL. */
export function normalServer(server: string): string {
  let url: URL;
  try {
    url = new URL(server);
  } catch (cause) {
    throw new ConcertinaError('KUBECONFIG_INVALID', `the server address "${server}" is not a URL such as https://host:6443`, { cause });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new ConcertinaError('KUBECONFIG_INVALID', `the server address "${server}" must begin with https:// or http://`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
