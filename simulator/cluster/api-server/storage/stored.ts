import type { KubeObject } from '../../../../core/model/object.ts';

type Encode = (object: KubeObject) => KubeObject;

/** One revision of one object. Its JSON is made once and shared by every list and watch that carries it. */
export class Stored {
  readonly object: KubeObject;
  readonly revision: number;
  /** Key of the type in the store. */
  readonly storageKey: string;
  readonly namespace: string;
  readonly name: string;
  #json: string | undefined;
  #views: Map<Encode, { readonly object: KubeObject; json?: string }> | undefined;

  constructor(storageKey: string, object: KubeObject, revision: number) {
    this.storageKey = storageKey;
    this.object = object;
    this.revision = revision;
    this.namespace = object.metadata.namespace ?? '';
    this.name = object.metadata.name;
  }

  /** The object in a version of its kind; `encode` undefined is the version that is stored. */
  view(encode: Encode | undefined): KubeObject {
    return encode === undefined ? this.object : this.#viewOf(encode).object;
  }

  json(encode?: Encode): string {
    if (encode === undefined) return (this.#json ??= JSON.stringify(this.object));
    const view = this.#viewOf(encode);
    return (view.json ??= JSON.stringify(view.object));
  }

  #viewOf(encode: Encode): { readonly object: KubeObject; json?: string } {
    this.#views ??= new Map();
    let view = this.#views.get(encode);
    if (view === undefined) {
      view = { object: encode(this.object) };
      this.#views.set(encode, view);
    }
    return view;
  }
}

/** A committed change, as watches and in-process handlers see it. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** For DELETED the last state, with the revision of the deletion. */
  readonly stored: Stored;
  readonly previous: Stored | undefined;
}
