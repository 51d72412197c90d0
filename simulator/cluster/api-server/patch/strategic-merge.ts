import { badRequest } from '../errors.ts';
import { equalJson, isJson, objectsOf } from '../json.ts';
import type { Json } from '../json.ts';
import type { MergeNode } from './merge-keys.ts';

const directivePrefix = /^\$(setElementOrder|deleteFromPrimitiveList)\//;

/**
 * A strategic merge patch: as a merge patch, but lists that the table of merge keys knows are merged entry by entry, and the directives
 * `$patch`, `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList` apply. Neither argument is altered.
 */
export function applyStrategicMerge(target: unknown, patch: unknown, node: MergeNode): unknown {
  if (!isJson(patch)) throw badRequest('a strategic merge patch must be an object');
  return mergeObject(isJson(target) ? target : {}, patch, node);
}

function mergeObject(target: Json, patch: Json, node: MergeNode): Json {
  if (hasDirectives(patch)) return mergeDirected(target, patch, node);
  if (node.atomic === true) return withoutDirectives(patch);
  const result: Json = { ...target };
  for (const key in patch) mergePlain(result, key, patch[key], node.fields?.[key] ?? plain);
  return result;
}

/** The same for a patch that has directives among its fields. */
function mergeDirected(target: Json, patch: Json, node: MergeNode): Json {
  const directive = patch['$patch'];
  if (directive === 'replace' || node.atomic === true) return withoutDirectives(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw badRequest(`unknown patch type found: ${JSON.stringify(directive)}`);
  const result: Json = { ...target };
  if (node.retainKeys === true) retainKeys(result, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue;
    if (value === null) delete result[key];
    else result[key] = mergeField(result[key], value, node.fields?.[key] ?? plain, listDirectives(patch, key));
  }
  applyLoneDirectives(result, patch, node);
  return result;
}

function isDirective(key: string): boolean {
  return key === '$patch' || key === '$retainKeys' || directivePrefix.test(key);
}

const plain: MergeNode = {};
const noDirectives: ListDirectives = { order: undefined, remove: [] };

function hasDirectives(patch: Json): boolean {
  for (const key in patch) if (key.startsWith('$')) return true;
  return false;
}

function mergePlain(result: Json, key: string, value: unknown, node: MergeNode): void {
  if (value === null) delete result[key];
  else result[key] = mergeField(result[key], value, node, noDirectives);
}

interface ListDirectives {
  readonly order: readonly unknown[] | undefined;
  readonly remove: readonly unknown[];
}

function listDirectives(patch: Json, key: string): ListDirectives {
  const order = patch[`$setElementOrder/${key}`];
  const remove = patch[`$deleteFromPrimitiveList/${key}`];
  return { order: Array.isArray(order) ? order : undefined, remove: Array.isArray(remove) ? remove : [] };
}

/** Directives for a list that the patch says nothing else about. */
function applyLoneDirectives(result: Json, patch: Json, node: MergeNode): void {
  for (const directive of Object.keys(patch)) {
    if (!directivePrefix.test(directive)) continue;
    const key = directive.slice(directive.indexOf('/') + 1);
    if (key in patch || !Array.isArray(result[key])) continue;
    const field = node.fields?.[key];
    // An atomic list takes no order of its own.
    if (field?.set === true || field?.key !== undefined) result[key] = mergeField(result[key], [], field, listDirectives(patch, key));
  }
}

function mergeField(target: unknown, value: unknown, node: MergeNode, directives: ListDirectives): unknown {
  if (Array.isArray(value)) {
    const current: unknown[] = Array.isArray(target) ? target : [];
    if (node.set === true) return mergeSet(current, value, directives);
    if (node.key !== undefined) return mergeKeyed(current, objectsOf(value), node, directives);
    return value.map((entry: unknown) => (isJson(entry) ? withoutDirectives(entry) : entry));
  }
  if (isJson(value)) return mergeObject(isJson(target) ? target : {}, value, node);
  return value;
}

function retainKeys(result: Json, patch: Json): void {
  const keep = patch['$retainKeys'];
  if (!Array.isArray(keep)) return;
  for (const key of Object.keys(result)) if (!keep.includes(key)) delete result[key];
}

function mergeSet(current: readonly unknown[], added: readonly unknown[], directives: ListDirectives): unknown[] {
  const kept = current.filter((item) => !directives.remove.some((gone) => equalJson(gone, item)));
  for (const item of added) if (!kept.some((present) => equalJson(present, item))) kept.push(item);
  return inOrder(kept, directives.order, (item) => item);
}

function mergeKeyed(current: readonly unknown[], patches: readonly Json[], node: MergeNode, directives: ListDirectives): unknown[] {
  const key = node.key ?? 'name';
  const lists = patches.filter((entry) => !(key in entry) && entry['$patch'] !== undefined);
  let result: Json[] = objectsOf(current);
  if (lists.some((entry) => entry['$patch'] === 'replace')) result = [];
  for (const entry of patches) {
    if (lists.includes(entry)) continue;
    const id = entry[key];
    if (id === undefined) throw badRequest(`map: ${JSON.stringify(entry)} does not contain declared merge key: ${key}`);
    const at = result.findIndex((item) => equalJson(item[key], id));
    result = mergeEntry(result, at, entry, node);
  }
  const order = directives.order?.map((entry) => (isJson(entry) ? entry[key] : entry));
  return inOrder(result, order, (item) => (isJson(item) ? item[key] : undefined));
}

function mergeEntry(list: Json[], at: number, patch: Json, node: MergeNode): Json[] {
  const current = list[at];
  if (patch['$patch'] === 'delete') return current === undefined ? list : list.filter((_, index) => index !== at);
  if (current === undefined) return [...list, mergeObject({}, patch, node)];
  const merged = mergeObject(current, patch, node);
  return list.map((item, index) => (index === at ? merged : item));
}

/**
 * The order that the client asked for. Entries that it did not name (added on the server meanwhile) keep their place relative to their
 * neighbours.
 */
function inOrder<T>(items: T[], order: readonly unknown[] | undefined, idOf: (item: T) => unknown): T[] {
  if (order === undefined) return items;
  const rank = (item: T): number => order.findIndex((id) => equalJson(id, idOf(item)));
  const named = items.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const result = [...named];
  for (const [index, item] of items.entries()) {
    if (rank(item) >= 0) continue;
    const before = items[index - 1];
    const place = before === undefined ? 0 : result.indexOf(before) + 1;
    result.splice(place, 0, item);
  }
  return result;
}

/** What is stored carries no directives: a new entry or a replacement is cleaned of them. */
function withoutDirectives(value: Json): Json {
  const result: Json = {};
  for (const [key, field] of Object.entries(value)) {
    if (isDirective(key) || field === null) continue;
    if (Array.isArray(field)) result[key] = field.map((item: unknown) => (isJson(item) ? withoutDirectives(item) : item));
    else result[key] = isJson(field) ? withoutDirectives(field) : field;
  }
  return result;
}
