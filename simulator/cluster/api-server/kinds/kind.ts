import type { Random } from '../../../../core/model/clock.ts';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import type { FieldError } from '../errors.ts';
import { defaultMerge } from '../patch/merge-keys.ts';
import type { MergeNode } from '../patch/merge-keys.ts';
import type { UserInfo } from '../types.ts';

/** Where the scale subresource of a kind finds its three values. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  /** Points at a selector as text (custom resources) or as an object (builtins). */
  readonly labelSelectorPath?: string | undefined;
}

/** What the hooks of a kind may read of the cluster. */
export interface KindContext {
  readonly now: number;
  readonly random: Random;
  readonly user: UserInfo | undefined;
  get(storageKey: string, namespace: string, name: string): KubeObject | undefined;
  list(storageKey: string, namespace?: string): readonly KubeObject[];
}

export interface AdmitContext extends KindContext {
  /** Which part of the object is written. */
  readonly subresource: string | undefined;
}

/** A custom resource's schema work, as the `crd` room compiles it. */
export interface CustomSchema {
  prepare(
    object: KubeObject,
    context: { operation: 'create' | 'update'; old?: KubeObject; strict: boolean },
  ): {
    readonly object: KubeObject;
    readonly errors: readonly FieldError[];
    readonly warnings: readonly string[];
    readonly unknownFields: readonly string[];
  };
}

/** One row of the table of kinds: everything in which a kind differs from the generic REST storage. */
export interface Kind {
  readonly type: ResourceType;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Versions and aliases of one resource share one storage. */
  readonly storageKey: string;
  /** Beside those that discovery must list it names `status`. */
  readonly subresources: readonly Subresource[];
  readonly hasStatus: boolean;
  /** What makes `metadata.generation` go up; `never` = the kind has none. */
  readonly generation: 'never' | 'spec' | 'spec-and-annotations' | 'content';
  /** Field selector paths beside metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  readonly nameRule: 'subdomain' | 'label' | 'service' | 'path';
  readonly createOnUpdate: boolean;
  /** Whether an update without resourceVersion is allowed. */
  readonly unconditionalUpdate: boolean;
  /** Whether a write of the status may change labels and annotations, or annotations alone. */
  readonly statusTouchesMetadata: boolean | 'annotations';
  /** Nodes bring their status with them at creation. */
  readonly keepStatusOnCreate: boolean;
  /** What a new object's status says before anybody has looked at it (fields that Go prints though they are zero). */
  readonly initialStatus: Readonly<Record<string, unknown>>;
  readonly gracefulDeletion: boolean;
  /** Jobs and replication controllers: dependents stay when the caller says nothing. */
  readonly orphanByDefault: boolean;
  /** Reviews: answered, never stored. */
  readonly createOnly: boolean;
  /** How strategic merge patches treat lists; undefined: refused (custom resources). */
  readonly merge: MergeNode | undefined;
  readonly scale: ScalePaths | undefined;
  readonly custom: CustomSchema | undefined;
  readonly printerColumns: unknown;
  /** Fills in defaults, on a private copy; for every write, so it must be idempotent. */
  readonly defaults: ((draft: KubeObject) => void) | undefined;
  /** First status, allocations and builtin admission, on a private copy. */
  readonly prepareCreate: ((draft: KubeObject, context: KindContext) => void) | undefined;
  /** What follows from the rest of a new object: after defaults, and once more after webhooks have changed it. */
  readonly finishCreate: ((draft: KubeObject) => void) | undefined;
  /** What the stored object has and webhooks never see: once, before validation. */
  readonly settleCreate: ((draft: KubeObject) => void) | undefined;
  /** The mutating part of builtin admission that is repeated when webhooks have changed a new object; on a private copy. */
  readonly readmit: ((draft: KubeObject, context: KindContext) => void) | undefined;
  /** The validating part of builtin admission: after validation, before validating webhooks. Throws the refusal. */
  readonly admit: ((object: KubeObject, old: KubeObject | undefined, context: AdmitContext) => void) | undefined;
  /** On a private top level and metadata; deeper parts must be replaced, not altered. */
  readonly prepareUpdate: ((next: KubeObject, old: KubeObject, context: KindContext) => void) | undefined;
  /** Completes a status that a client wrote; answers the same one when nothing is missing. */
  readonly completeStatus: ((status: unknown, old: unknown) => unknown) | undefined;
  readonly validate: ((object: KubeObject, old: KubeObject | undefined) => FieldError[]) | undefined;
  /** Which validation status writes get. */
  readonly validateStatus: ((object: KubeObject, old: KubeObject) => FieldError[]) | undefined;
  /** From the stored version to this one, and back. */
  readonly encode: ((object: KubeObject) => KubeObject) | undefined;
  readonly decode: ((object: KubeObject) => KubeObject) | undefined;
}

export type Subresource =
  | 'status'
  | 'scale'
  | 'binding'
  | 'eviction'
  | 'resize'
  | 'log'
  | 'token'
  | 'finalize'
  | 'ephemeralcontainers'
  | 'exec'
  | 'attach'
  | 'portforward'
  | 'proxy';

type KindRow = Partial<Omit<Kind, 'type' | 'shortNames'>> & {
  readonly type: ResourceType;
  readonly short?: readonly string[];
};

/** A row with everything that is not said at its most common value. */
export function kind(row: KindRow): Kind {
  const { type, short, ...rest } = row;
  const subresources = row.subresources ?? [];
  return {
    singular: type.kind.toLowerCase(),
    listKind: `${type.kind}List`,
    shortNames: short ?? [],
    categories: [],
    storageKey: storageKeyOf(type),
    subresources,
    hasStatus: subresources.includes('status'),
    generation: 'never',
    selectableFields: [],
    nameRule: 'subdomain',
    createOnUpdate: false,
    unconditionalUpdate: true,
    statusTouchesMetadata: false,
    keepStatusOnCreate: false,
    initialStatus: {},
    gracefulDeletion: false,
    orphanByDefault: false,
    createOnly: false,
    merge: defaultMerge,
    scale: undefined,
    custom: undefined,
    printerColumns: undefined,
    defaults: undefined,
    prepareCreate: undefined,
    finishCreate: undefined,
    settleCreate: undefined,
    readmit: undefined,
    admit: undefined,
    prepareUpdate: undefined,
    completeStatus: undefined,
    validate: undefined,
    validateStatus: undefined,
    encode: undefined,
    decode: undefined,
    ...rest,
    type,
  };
}

/** `apps/deployments`; `/pods` for the core group. */
export function storageKeyOf(type: Pick<ResourceType, 'group' | 'plural'>): string {
  return `${type.group}/${type.plural}`;
}
