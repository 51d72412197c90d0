import type { KubeObject } from '../../../../core/model/object.ts';
import { apiVersionOf } from '../../../../core/model/object.ts';
import type { Kind } from '../kinds/kind.ts';
import { printTable } from '../printing/index.ts';
import type { PrintableKind } from '../printing/index.ts';
import type { Stored } from '../storage/stored.ts';
import type { ApiResponse } from '../types.ts';
import type { Page } from './lists.ts';
import { negotiate } from './negotiation.ts';
import { json, jsonOf } from './responses.ts';
import type { ResourceExchange } from './server-context.ts';
import type { RenderObject } from './watches.ts';

function printable(kind: Kind): PrintableKind {
  return kind.printerColumns === undefined
    ? { type: kind.type }
    : { type: kind.type, printerColumns: kind.printerColumns as NonNullable<PrintableKind['printerColumns']> };
}

function table(exchange: ResourceExchange, objects: readonly KubeObject[]): KubeObject {
  const include = exchange.request.query.get('includeObject');
  const includeObject = include === 'None' || include === 'Object' ? include : 'Metadata';
  return printTable(printable(exchange.kind), objects, { now: exchange.server.core.clock.now(), includeObject });
}

function metadataOnly(object: KubeObject): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

/** One object as the client asked for it. */
export function renderStored(exchange: ResourceExchange, status: number, stored: Stored): ApiResponse {
  const { kind } = exchange;
  switch (negotiate(exchange.request)) {
    case 'object':
      return json(status, stored.json(kind.encode));
    case 'metadata':
      return jsonOf(status, metadataOnly(stored.view(kind.encode)));
    case 'table': {
      const result = table(exchange, [stored.view(kind.encode)]);
      return jsonOf(status, { ...result, metadata: { resourceVersion: stored.object.metadata.resourceVersion } });
    }
  }
}

/** How an object is written in a list: builtin ones without kind and apiVersion, which the list's own imply, as the Go types have it. */
function itemWriter(kind: Kind): (stored: Stored) => string {
  if (kind.custom !== undefined) return (stored) => stored.json(kind.encode);
  const head = `{"kind":"${kind.type.kind}","apiVersion":"${apiVersionOf(kind.type)}",`;
  return (stored) => {
    const text = stored.json(kind.encode);
    if (text.startsWith(head)) return `{${text.slice(head.length)}`;
    const { kind: _kind, apiVersion: _version, ...rest } = stored.view(kind.encode);
    return JSON.stringify(rest);
  };
}

export function renderList(exchange: ResourceExchange, page: Page): ApiResponse {
  const { kind } = exchange;
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  const views = (): KubeObject[] => page.items.map((stored) => stored.view(kind.encode));
  switch (negotiate(exchange.request)) {
    case 'object': {
      const items = page.items.map(itemWriter(kind)).join(',');
      const head = `"kind":"${kind.listKind}","apiVersion":"${apiVersionOf(kind.type)}","metadata":${JSON.stringify(metadata)}`;
      return json(200, `{${head},"items":[${items}]}`);
    }
    case 'metadata':
      return jsonOf(200, {
        kind: 'PartialObjectMetadataList',
        apiVersion: 'meta.k8s.io/v1',
        metadata,
        items: views().map(metadataOnly),
      });
    case 'table':
      return jsonOf(200, { ...table(exchange, views()), metadata });
  }
}

/** How the objects of a watch are to be written. */
export function watchRenderer(exchange: ResourceExchange): RenderObject {
  switch (negotiate(exchange.request)) {
    case 'object':
      return undefined;
    case 'metadata':
      return (object) => JSON.stringify(metadataOnly(object));
    case 'table':
      return (object) => JSON.stringify({ ...table(exchange, [object]), metadata: { resourceVersion: object.metadata.resourceVersion } });
  }
}
