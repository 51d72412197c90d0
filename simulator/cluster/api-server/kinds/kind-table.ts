import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { coreKinds } from './builtin-core.ts';
import { groupKinds } from './builtin-groups.ts';
import { crdKind, kindsOfCrd } from './custom-kinds.ts';
import type { Kind } from './kind.ts';

/** All kinds that are served now: the builtin ones and those of the custom resource definitions. */
export class KindTable {
  readonly #byPath = new Map<string, Kind>();
  readonly #custom = new Map<string, readonly Kind[]>();
  readonly #byType = new WeakMap<ResourceType, Kind>();
  #all: readonly Kind[] | undefined;
  #version = 0;

  constructor() {
    for (const kind of [...coreKinds, ...groupKinds, crdKind]) this.#byPath.set(pathOf(kind.type), kind);
  }

  /** Goes up with every change of the table: what is derived from it (discovery, OpenAPI) can be kept until then. */
  get version(): number {
    return this.#version;
  }

  all(): readonly Kind[] {
    return (this.#all ??= [...this.#byPath.values()]);
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`);
  }

  /** By type; the version that the type names, or the only one of that resource. */
  ofType(type: ResourceType): Kind | undefined {
    const known = this.#byType.get(type);
    if (known !== undefined && this.#byPath.get(pathOf(known.type)) === known) return known;
    const found = this.find(type.group, type.version, type.plural);
    if (found !== undefined) this.#byType.set(type, found);
    return found;
  }

  /** The kind whose version is the one that is stored. */
  ofStorage(storageKey: string): Kind | undefined {
    return this.all().find((kind) => kind.storageKey === storageKey && kind.decode === undefined);
  }

  setCustom(crd: KubeObject): void {
    const kinds = kindsOfCrd(crd);
    const before = this.#custom.get(crd.metadata.name) ?? [];
    // Status and label changes keep what was compiled, so most updates change nothing here.
    const same = before.length === kinds.length && kinds.every((kind, at) => kind.custom === before[at]?.custom);
    if (same) return;
    for (const kind of before) this.#byPath.delete(pathOf(kind.type));
    for (const kind of kinds) this.#byPath.set(pathOf(kind.type), kind);
    this.#custom.set(crd.metadata.name, kinds);
    this.#changed();
  }

  removeCustom(crdName: string): void {
    for (const kind of this.#custom.get(crdName) ?? []) this.#byPath.delete(pathOf(kind.type));
    this.#custom.delete(crdName);
    this.#changed();
  }

  #changed(): void {
    this.#all = undefined;
    this.#version += 1;
  }
}

function pathOf(type: ResourceType): string {
  return `${type.group}/${type.version}/${type.plural}`;
}
