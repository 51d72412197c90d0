import type { CooldownPolicy } from '../core/model/cooldown.ts';
import type { Taint } from '../core/model/node.ts';
import type { ObjectReference } from '../core/model/object.ts';
import type { ResourceList } from '../core/model/resource-list.ts';
import type { SchemaProblem } from '../core/model/schema-problems.ts';
import type { CountOrPercent } from '../core/units/index.ts';
import type { Recurrence } from './policy-windows.ts';
import type { ProviderGroupOptions } from './providers/provider.ts';

export type PoolMode = 'Auto' | 'DryRun' | 'Paused';

/** Which groups of the cloud are meant: by `name` alone, or by `pattern` and `tags` together. */
export interface GroupSelector {
  readonly name?: string | undefined;
  /** `*` stands for any characters. */
  readonly pattern?: string | undefined;
  /** All of them; an empty value stands for any. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** What the cloud's description of a node is corrected by. Resources in thousandths. */
export interface TemplateOverride {
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly capacity: ResourceList;
  readonly allocatable: ResourceList;
}

/** A limit of how many nodes of one group are being removed at once. */
export interface DisruptionLimit {
  readonly maxNodes: CountOrPercent;
  /** Absent: always. */
  readonly window?: (Recurrence & { readonly name: string }) | undefined;
}

/** A NodePoolPolicy as it is applied. Durations in milliseconds; what is absent is the flag's or the cloud's. */
export interface NodePoolPolicy {
  readonly reference: ObjectReference;
  readonly generation: number | undefined;
  readonly mode: PoolMode;
  readonly groups: readonly GroupSelector[];
  readonly minSize: number | undefined;
  readonly maxSize: number | undefined;
  readonly priority: number | undefined;
  readonly price: number | undefined;
  readonly template: TemplateOverride | undefined;
  readonly cooldown: Partial<CooldownPolicy>;
  readonly options: ProviderGroupOptions;
  readonly disruption: readonly DisruptionLimit[];
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: NodePoolPolicy }
  /** `groups`: those that it is for, as far as that could be read: they are left alone until it is clear what was meant. */
  | { readonly ok: false; readonly problems: readonly SchemaProblem[]; readonly groups: readonly GroupSelector[] };
