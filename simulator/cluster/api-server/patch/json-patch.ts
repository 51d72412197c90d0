import { StatusError, badRequest } from '../errors.ts';
import { cloneJson, equalJson, isJson } from '../json.ts';

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** How many operations the API server accepts in one patch. */
const maxOperations = 10_000;

/**
 * RFC 6902. A `test` that fails or a path that is not there is the real server's 422, whose text says nothing of the cause; a
 * body that is no list of operations is its 400.
 */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > maxOperations) {
    throw new StatusError(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  }
  let document = cloneJson(target);
  for (const operation of patch) document = apply(document, readOperation(operation));
  return document;
}

function readOperation(value: unknown): Operation {
  if (!isJson(value) || typeof value['op'] !== 'string' || typeof value['path'] !== 'string') {
    throw badRequest('error decoding patch: an operation needs a string "op" and a string "path"');
  }
  return value as unknown as Operation;
}

function apply(document: unknown, operation: Operation): unknown {
  const path = pointer(operation.path);
  switch (operation.op) {
    case 'add':
      return add(document, path, cloneJson(needValue(operation)));
    case 'replace':
      return replace(document, path, cloneJson(needValue(operation)));
    case 'remove':
      return remove(document, path);
    case 'move': {
      const from = pointer(operation.from ?? '');
      if (path.length > from.length && from.every((part, index) => part === path[index])) throw unprocessable();
      const value = read(document, from);
      return add(remove(document, from), path, value);
    }
    case 'copy':
      return add(document, path, cloneJson(read(document, pointer(operation.from ?? ''))));
    case 'test':
      if (!equalJson(readForTest(document, path), operation.value ?? null)) throw unprocessable();
      return document;
    default:
      throw unprocessable();
  }
}

function needValue(operation: Operation): unknown {
  if (!('value' in operation)) throw unprocessable();
  return operation.value;
}

function unprocessable(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

function pointer(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw unprocessable();
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function index(list: readonly unknown[], part: string, last: number): number {
  if (!/^(0|[1-9]\d*)$/.test(part)) throw unprocessable();
  const value = Number(part);
  if (value > last || list.length < 0) throw unprocessable();
  return value;
}

function child(container: unknown, part: string): unknown {
  if (Array.isArray(container)) return container[index(container, part, container.length - 1)] as unknown;
  if (isJson(container) && Object.hasOwn(container, part)) return container[part];
  throw unprocessable();
}

function read(document: unknown, path: readonly string[]): unknown {
  return path.reduce(child, document);
}

/** An absent member tests equal to null, as the Go library that the server uses has it. */
function readForTest(document: unknown, path: readonly string[]): unknown {
  const last = path.at(-1);
  if (last === undefined) return document;
  const parent = read(document, path.slice(0, -1));
  if (isJson(parent) && !Object.hasOwn(parent, last)) return null;
  return child(parent, last);
}

function parentOf(document: unknown, path: readonly string[]): { parent: unknown; last: string } {
  const last = path.at(-1);
  if (last === undefined) throw unprocessable();
  return { parent: read(document, path.slice(0, -1)), last };
}

function add(document: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  const { parent, last } = parentOf(document, path);
  if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : index(parent, last, parent.length), 0, value);
  else if (isJson(parent)) parent[last] = value;
  else throw unprocessable();
  return document;
}

function replace(document: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  const { parent, last } = parentOf(document, path);
  // Of a member that is not there the Go library makes an `add`.
  if (isJson(parent)) parent[last] = value;
  else if (Array.isArray(parent)) parent[index(parent, last, parent.length - 1)] = value;
  else throw unprocessable();
  return document;
}

function remove(document: unknown, path: readonly string[]): unknown {
  const { parent, last } = parentOf(document, path);
  child(parent, last);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isJson(parent)) delete parent[last];
  return document;
}
