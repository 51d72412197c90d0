import type { KubeObject, ResourceType } from '../../../core/model/object.ts';
import type { AuditLog } from './audit.ts';
import { fillNamespace } from './bootstrap.ts';
import { systemUser } from './core.ts';
import type { Core, DeleteOptions, WriteOptions } from './core.ts';
import { createObject } from './create-object.ts';
import { deleteObject } from './delete-object.ts';
import type { Deletion } from './delete-object.ts';
import { isStatusError, methodNotAllowed, toStatusError, unknownResource } from './errors.ts';
import { objectOf } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import { crdType } from './kinds/custom-kinds.ts';
import type { Stored, StoreEvent } from './storage/stored.ts';
import { evictPod } from './subresources/eviction.ts';
import type { Registry, RegistryDeleteOptions, RegistryEvent, RegistryWriteOptions } from './types.ts';
import { updateObject } from './update-object.ts';

/** How often a read-modify-write is tried again before its conflict is passed on. */
const maxTries = 10;
/** Events go an hour after their last change, as with the real server's `--event-ttl`. */
const eventTtlMs = 3_600_000;

/** The generic REST storage. The HTTP layer calls the `…Kind` methods, everybody else in the process those of {@link Registry}. */
export class ClusterRegistry implements Registry {
  readonly #core: Core;
  readonly #audit: AuditLog;
  readonly #eventTimes: { readonly at: number; readonly stored: Stored }[] = [];
  #eventHead = 0;

  constructor(core: Core, audit: AuditLog) {
    this.#core = core;
    this.#audit = audit;
    core.store.subscribe(`${crdType.group}/${crdType.plural}`, (event) => this.#followCrd(event));
    core.store.subscribe('/events', (event) => {
      if (event.type !== 'DELETED') this.#eventTimes.push({ at: core.clock.now(), stored: event.stored });
    });
  }

  #followCrd(event: StoreEvent): void {
    if (event.type === 'DELETED') this.#core.kinds.removeCustom(event.stored.name);
    else this.#core.kinds.setCustom(event.stored.object);
  }

  #kind(type: ResourceType): Kind {
    const kind = this.#core.kinds.ofType(type);
    if (kind === undefined) throw unknownResource();
    return kind;
  }

  get(type: ResourceType, namespace: string | undefined, name: string): KubeObject | undefined {
    const kind = this.#kind(type);
    return this.#core.store.get(kind.storageKey, kind.type.namespaced ? (namespace ?? '') : '', name)?.view(kind.encode);
  }

  list(type: ResourceType, namespace?: string): readonly KubeObject[] {
    const kind = this.#kind(type);
    return this.#core.store.list(kind.storageKey, namespace).map((stored) => stored.view(kind.encode));
  }

  listOwned(type: ResourceType, ownerUid: string): readonly KubeObject[] {
    const kind = this.#kind(type);
    const owned: KubeObject[] = [];
    for (const stored of this.#core.store.owners.dependentsOf(ownerUid)) {
      if (stored.storageKey !== kind.storageKey) continue;
      const controls = stored.object.metadata.ownerReferences?.some((ref) => ref.uid === ownerUid && ref.controller === true);
      if (controls === true) owned.push(stored.view(kind.encode));
    }
    return owned;
  }

  watch(type: ResourceType, handler: (event: RegistryEvent) => void): () => void {
    const kind = this.#kind(type);
    for (const stored of this.#core.store.list(kind.storageKey)) handler({ type: 'ADDED', object: stored.view(kind.encode) });
    return this.#core.store.subscribe(kind.storageKey, (event) => {
      const object = event.stored.view(kind.encode);
      const previous = event.previous?.view(kind.encode);
      handler(previous === undefined ? { type: event.type, object } : { type: event.type, object, previous });
    });
  }

  async create(type: ResourceType, object: KubeObject, options: RegistryWriteOptions = {}): Promise<KubeObject> {
    if (type.plural === 'bindings' && type.group === '') return this.#createBinding(object, options);
    const kind = this.#kind(type);
    if (options.subresource === 'eviction') {
      return this.#audited({ verb: 'create', kind, object, options }, async () => {
        await evictPod(this.#core, { namespace: object.metadata.namespace ?? '', name: object.metadata.name }, object, options);
        return object;
      });
    }
    if (options.subresource === 'binding') return this.#createBinding(object, options);
    return this.#audited({ verb: 'create', kind, object, options }, async () => {
      const stored = await this.createKind(kind, object, inProcess(options));
      return stored.view(kind.encode);
    });
  }

  /** A Binding object, as the scheduler of the real cluster posts it. */
  async #createBinding(binding: KubeObject, options: RegistryWriteOptions): Promise<KubeObject> {
    const kind = this.#kind({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });
    return this.#audited({ verb: 'create', kind, object: binding, options: { ...options, subresource: 'binding' } }, async () => {
      await this.bind(binding, inProcess(options));
      return binding;
    });
  }

  async bind(binding: KubeObject, options: WriteOptions): Promise<Stored> {
    const kind = this.#kind({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });
    const { resourceVersion: _, ...metadata } = binding.metadata;
    const pod = { metadata: { ...metadata, name: binding.metadata.name }, spec: { nodeName: objectOf(binding['target'])['name'] } };
    return updateObject(this.#core, kind, pod, { ...options, subresource: 'binding' });
  }

  async update(type: ResourceType, object: KubeObject, options: RegistryWriteOptions = {}): Promise<KubeObject> {
    const kind = this.#kind(type);
    return this.#audited({ verb: 'update', kind, object, options }, async () => {
      const stored = await updateObject(this.#core, kind, object, inProcess(options));
      return stored.view(kind.encode);
    });
  }

  async mutate(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    ...[change, options = {}]: [change: (object: KubeObject) => KubeObject, options?: RegistryWriteOptions]
  ): Promise<KubeObject | undefined> {
    for (let tries = 1; ; tries++) {
      const current = this.get(type, namespace, name);
      if (current === undefined) return undefined;
      const next = change(current);
      if (next === current) return current;
      const metadata = { ...next.metadata, resourceVersion: current.metadata.resourceVersion ?? '' };
      try {
        return await this.update(type, { ...next, metadata }, options);
      } catch (thrown) {
        if (isStatusError(thrown, 'NotFound')) return undefined;
        if (!isStatusError(thrown, 'Conflict') || tries >= maxTries || this.get(type, namespace, name) === current) throw thrown;
      }
    }
  }

  async delete(type: ResourceType, namespace: string | undefined, name: string, options: RegistryDeleteOptions = {}): Promise<void> {
    const kind = this.#kind(type);
    const key = { namespace: kind.type.namespaced ? (namespace ?? '') : '', name };
    const object: KubeObject = { metadata: { name, ...(key.namespace === '' ? {} : { namespace: key.namespace }) } };
    await this.#audited({ verb: 'delete', kind, object, options }, () => this.deleteKind(kind, key, inProcess(options)));
  }

  async createKind(kind: Kind, object: KubeObject, options: WriteOptions): Promise<Stored> {
    if (kind.createOnly) throw methodNotAllowed();
    const stored = await createObject(this.#core, kind, object, options);
    if (options.dryRun === true) return stored;
    if (kind.storageKey === '/namespaces') fillNamespace(this.#core, stored.name);
    else if (kind.storageKey === '/events') this.#expireEvents();
    return stored;
  }

  updateKind(kind: Kind, object: KubeObject, options: WriteOptions): Promise<Stored> {
    return updateObject(this.#core, kind, object, options);
  }

  deleteKind(kind: Kind, key: { readonly namespace: string; readonly name: string }, options: DeleteOptions): Promise<Deletion> {
    return deleteObject(this.#core, kind, key, options);
  }

  #expireEvents(): void {
    const { store, clock } = this.#core;
    const limit = clock.now() - eventTtlMs;
    for (let head = this.#eventTimes[this.#eventHead]; head !== undefined && head.at <= limit; head = this.#eventTimes[this.#eventHead]) {
      this.#eventHead += 1;
      const { namespace, name } = head.stored;
      // A later write began the hour again.
      if (store.get('/events', namespace, name) === head.stored) store.remove('/events', namespace, name);
    }
    if (this.#eventHead > 10_000) this.#eventTimes.splice(0, this.#eventHead);
    if (this.#eventHead > 10_000) this.#eventHead = 0;
  }

  /** Counts the write as activity and notes who made it, also when it fails. */
  async #audited<T>(
    write: { readonly verb: string; readonly kind: Kind; readonly object: KubeObject; readonly options: RegistryWriteOptions },
    work: () => Promise<T>,
  ): Promise<T> {
    const end = this.#core.activity.begin();
    let code = write.verb === 'create' ? 201 : 200;
    try {
      return await work();
    } catch (thrown) {
      code = toStatusError(thrown).code;
      throw thrown;
    } finally {
      end();
      if (this.#audit.active) this.#record(write, code);
    }
  }

  #record(
    { verb, kind, object, options }: { verb: string; kind: Kind; object: KubeObject; options: RegistryWriteOptions },
    code: number,
  ): void {
    this.#audit.record({
      user: options.user ?? systemUser,
      userAgent: options.fieldManager ?? 'in-process',
      verb,
      type: kind.type,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      subresource: options.subresource,
      dryRun: options.dryRun === true,
      code,
      requestObject: verb === 'delete' ? undefined : object,
      time: this.#core.clock.now(),
    });
  }
}

function inProcess<T extends RegistryWriteOptions>(options: T): T {
  return options.user === undefined ? { ...options, user: systemUser } : options;
}
