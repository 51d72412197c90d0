import type { KubeObject } from '../../../core/model/object.ts';
import { systemUser } from './core.ts';
import type { Core } from './core.ts';
import { deleteObject, foregroundFinalizer, orphanFinalizer } from './delete-object.ts';
import { isStatusError } from './errors.ts';
import { cleanupFinalizer, crdType } from './kinds/custom-kinds.ts';
import type { Stored, StoreEvent } from './storage/stored.ts';
import { updateObject } from './update-object.ts';

type Task = { readonly kind: 'owner'; readonly uid: string } | { readonly kind: 'namespace' | 'crd'; readonly name: string };

const crdKey = `${crdType.group}/${crdType.plural}`;
/** Objects handled between two turns of the event loop, so that requests are answered during a mass deletion. */
const batch = 200;

/**
 * The garbage collector, the namespace controller and the finalizer of custom resource definitions: what the real control plane
 * does after the answer to a DELETE has gone out. Runs in turns of its own, counted as activity.
 */
export class GarbageCollector {
  readonly #core: Core;
  readonly #queue = new Map<string, Task>();
  readonly #terminating = new Set<string>();
  readonly #stop: () => void;
  #running = false;
  #handled = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#stop = core.store.subscribeAll((storageKey, event) => this.#note(storageKey, event));
  }

  stop(): void {
    this.#stop();
    this.#queue.clear();
  }

  #note(storageKey: string, event: StoreEvent): void {
    const { metadata } = event.stored.object;
    if (event.type === 'DELETED') this.#noteDeleted(event.stored.object);
    else if (metadata.deletionTimestamp !== undefined) this.#noteDeleting(storageKey, event.stored.object);
    else if (event.type === 'ADDED' && metadata.ownerReferences !== undefined) {
      const { owners } = this.#core.store;
      for (const reference of metadata.ownerReferences)
        if (owners.find(reference.uid) === undefined) this.#add({ kind: 'owner', uid: reference.uid });
    }
    if (storageKey === '/namespaces') this.#noteNamespace(event);
    else if (event.type === 'DELETED' && this.#terminating.has(metadata.namespace ?? '')) {
      this.#add({ kind: 'namespace', name: metadata.namespace ?? '' });
    }
    if (event.type === 'DELETED' && storageKey.includes('.') && this.#core.store.count(storageKey) === 0) this.#noteLastOfType(storageKey);
  }

  #noteDeleted(object: KubeObject): void {
    const { owners } = this.#core.store;
    const { uid = '', ownerReferences = [] } = object.metadata;
    if (owners.dependentsOf(uid).length > 0) this.#add({ kind: 'owner', uid });
    for (const reference of ownerReferences) {
      const owner = owners.find(reference.uid)?.object;
      if (owner?.metadata.deletionTimestamp !== undefined) this.#add({ kind: 'owner', uid: reference.uid });
    }
  }

  #noteDeleting(storageKey: string, object: KubeObject): void {
    const finalizers = object.metadata.finalizers ?? [];
    if (finalizers.includes(foregroundFinalizer) || finalizers.includes(orphanFinalizer)) {
      this.#add({ kind: 'owner', uid: object.metadata.uid ?? '' });
    }
    if (storageKey === crdKey && finalizers.includes(cleanupFinalizer)) this.#add({ kind: 'crd', name: object.metadata.name });
  }

  #noteNamespace(event: StoreEvent): void {
    const { name, deletionTimestamp } = event.stored.object.metadata;
    if (event.type === 'DELETED') this.#terminating.delete(name);
    else if (deletionTimestamp !== undefined) {
      this.#terminating.add(name);
      this.#add({ kind: 'namespace', name });
    }
  }

  /** The last custom resource is gone: its definition may be waiting for that. */
  #noteLastOfType(storageKey: string): void {
    const [group = '', plural = ''] = storageKey.split('/');
    const crd = this.#core.store.get(crdKey, '', `${plural}.${group}`)?.object;
    if (crd?.metadata.deletionTimestamp !== undefined) this.#add({ kind: 'crd', name: crd.metadata.name });
  }

  #add(task: Task): void {
    this.#queue.set(`${task.kind}/${task.kind === 'owner' ? task.uid : task.name}`, task);
    if (this.#running) return;
    this.#running = true;
    const end = this.#core.activity.begin();
    // After the commit that brought this about: a listener never writes.
    setImmediate(() => {
      void this.#drain().finally(end);
    });
  }

  async #drain(): Promise<void> {
    try {
      for (;;) {
        const [next] = this.#queue;
        if (next === undefined) return;
        this.#queue.delete(next[0]);
        await this.#handle(next[1]);
      }
    } finally {
      this.#running = false;
    }
  }

  async #handle(task: Task): Promise<void> {
    if (task.kind === 'owner') await this.#handleOwner(task.uid);
    else if (task.kind === 'namespace') await this.#emptyNamespace(task.name);
    else await this.#emptyCrd(task.name);
  }

  async #handleOwner(uid: string): Promise<void> {
    const { owners } = this.#core.store;
    const owner = owners.find(uid);
    const dependents = owners.dependentsOf(uid);
    if (owner === undefined) {
      for (const dependent of dependents) await this.#collect(dependent);
      return;
    }
    const { deletionTimestamp, finalizers = [] } = owner.object.metadata;
    if (deletionTimestamp === undefined) return;
    if (finalizers.includes(orphanFinalizer)) {
      for (const dependent of dependents) await this.#dropOwner(dependent, [uid]);
      await this.#dropFinalizer(owner, orphanFinalizer);
    } else if (finalizers.includes(foregroundFinalizer)) await this.#deleteForeground(owner, dependents);
  }

  async #deleteForeground(owner: Stored, dependents: readonly Stored[]): Promise<void> {
    const uid = owner.object.metadata.uid ?? '';
    for (const dependent of dependents) {
      if (dependent.object.metadata.deletionTimestamp !== undefined) continue;
      await this.#delete(dependent, 'Foreground');
    }
    const blocking = this.#core.store.owners
      .dependentsOf(uid)
      .some((left) => left.object.metadata.ownerReferences?.some((ref) => ref.uid === uid && ref.blockOwnerDeletion === true));
    if (!blocking) await this.#dropFinalizer(owner, foregroundFinalizer);
  }

  /** A dependent some of whose owners are gone: deleted when none is left, else only the dangling references go. */
  async #collect(dependent: Stored): Promise<void> {
    const references = dependent.object.metadata.ownerReferences ?? [];
    const gone = references.filter((reference) => this.#core.store.owners.find(reference.uid) === undefined).map((ref) => ref.uid);
    if (gone.length === references.length) await this.#delete(dependent, 'Background');
    else await this.#dropOwner(dependent, gone);
  }

  async #delete(target: Stored, propagationPolicy: 'Foreground' | 'Background'): Promise<void> {
    await this.#pause();
    const kind = this.#core.kinds.ofStorage(target.storageKey);
    const { namespace, name, object } = target;
    if (kind === undefined) return;
    const preconditions = { uid: object.metadata.uid };
    await ignoreGone(() => deleteObject(this.#core, kind, { namespace, name }, { propagationPolicy, preconditions, user: collector }));
  }

  async #dropOwner(dependent: Stored, uids: readonly string[]): Promise<void> {
    await this.#edit(dependent, (metadata) => {
      const left = (metadata.ownerReferences ?? []).filter((reference) => !uids.includes(reference.uid));
      return { ...metadata, ownerReferences: left };
    });
  }

  async #dropFinalizer(target: Stored, finalizer: string): Promise<void> {
    await this.#edit(target, (metadata) => ({
      ...metadata,
      finalizers: (metadata.finalizers ?? []).filter((name) => name !== finalizer),
    }));
  }

  async #edit(target: Stored, change: (metadata: KubeObject['metadata']) => KubeObject['metadata']): Promise<void> {
    await this.#pause();
    const kind = this.#core.kinds.ofStorage(target.storageKey);
    const current = this.#core.store.get(target.storageKey, target.namespace, target.name);
    if (kind === undefined || current === undefined) return;
    const next = { ...current.object, metadata: change(current.object.metadata) };
    await ignoreGone(() => updateObject(this.#core, kind, next, { user: collector }));
  }

  async #emptyNamespace(name: string): Promise<void> {
    const { store } = this.#core;
    const namespace = store.get('/namespaces', '', name);
    if (namespace?.object.metadata.deletionTimestamp === undefined) return;
    for (const storageKey of store.typesIn(name)) {
      for (const stored of store.list(storageKey, name)) {
        if (stored.object.metadata.deletionTimestamp === undefined) await this.#delete(stored, 'Background');
      }
    }
    if (store.typesIn(name).length > 0) return;
    const kind = this.#core.kinds.ofStorage('/namespaces');
    if (kind === undefined) return;
    const finalizers = ((namespace.object.spec ?? {}) as { finalizers?: string[] }).finalizers ?? [];
    const spec = { ...(namespace.object.spec as object), finalizers: finalizers.filter((held) => held !== 'kubernetes') };
    await ignoreGone(() => updateObject(this.#core, kind, { ...namespace.object, spec }, { subresource: 'finalize', user: systemUser }));
  }

  async #emptyCrd(name: string): Promise<void> {
    const { store } = this.#core;
    const crd = store.get(crdKey, '', name);
    if (crd?.object.metadata.deletionTimestamp === undefined) return;
    const { group = '', names } = crd.object.spec as { group?: string; names?: { plural?: string } };
    const storageKey = `${group}/${names?.plural ?? ''}`;
    for (const stored of store.list(storageKey)) {
      if (stored.object.metadata.deletionTimestamp === undefined) await this.#delete(stored, 'Background');
    }
    if (store.count(storageKey) === 0) await this.#dropFinalizer(crd, cleanupFinalizer);
  }

  async #pause(): Promise<void> {
    this.#handled += 1;
    if (this.#handled % batch === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

const collector = {
  username: 'system:serviceaccount:kube-system:generic-garbage-collector',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
};

async function ignoreGone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    // Somebody else was quicker, or a webhook refused: the next event brings it here again.
    if (!isStatusError(thrown)) throw thrown;
  }
}
