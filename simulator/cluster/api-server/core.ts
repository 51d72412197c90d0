import type { Clock, Random } from '../../../core/model/clock.ts';
import type { KubeObject, ResourceType } from '../../../core/model/object.ts';
import type { Activity } from './activity.ts';
import type { KindTable } from './kinds/kind-table.ts';
import type { Kind, KindContext } from './kinds/kind.ts';
import type { Store } from './storage/store.ts';
import type { RegistryDeleteOptions, RegistryWriteOptions, UserInfo } from './types.ts';

/** What admission webhooks are asked. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly type: ResourceType;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name: string;
  readonly object?: KubeObject;
  readonly oldObject?: KubeObject;
  readonly user: UserInfo;
  readonly dryRun: boolean;
}

/** The webhook caller of the `admission` room. */
export interface WebhookAdmission {
  admit(
    request: AdmissionRequest,
    configurations: { readonly mutating: KubeObject[]; readonly validating: KubeObject[] },
    namespaceLabels: Readonly<Record<string, string>>,
  ): Promise<{ readonly object?: KubeObject; readonly warnings: readonly string[] }>;
}

/** What every part of the generic storage works with. */
export interface Core {
  readonly store: Store;
  readonly kinds: KindTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly activity: Activity;
  readonly webhooks: WebhookAdmission;
}

/** What the HTTP layer knows beyond an in-process caller. */
export interface WriteOptions extends RegistryWriteOptions {
  /** The object was made for this call alone and may be changed. */
  readonly owned?: boolean;
  readonly strict?: boolean;
  /** Collects the texts of `Warning` headers. */
  readonly warnings?: string[];
}

export type DeleteOptions = RegistryDeleteOptions & Pick<WriteOptions, 'warnings'>;

/** The API server itself and its controllers. */
export const systemUser: UserInfo = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export function kindContext(core: Core, user: UserInfo | undefined): KindContext {
  return {
    now: core.clock.now(),
    random: core.random,
    user,
    get: (storageKey, namespace, name) => core.store.get(storageKey, namespace, name)?.object,
    list: (storageKey, namespace) => core.store.list(storageKey, namespace).map((stored) => stored.object),
  };
}

const mutatingKey = 'admissionregistration.k8s.io/mutatingwebhookconfigurations';
const validatingKey = 'admissionregistration.k8s.io/validatingwebhookconfigurations';

/** Runs the admission webhooks; answers at once, without a promise, when there are none. */
export function admit(
  core: Core,
  kind: Kind,
  request: Omit<AdmissionRequest, 'type'>,
  warnings?: string[],
): Promise<KubeObject | undefined> | undefined {
  const { store } = core;
  if (store.count(mutatingKey) === 0 && store.count(validatingKey) === 0) return undefined;
  // Webhook configurations are exempt, as upstream, or a broken one could never be removed.
  if (kind.type.group === 'admissionregistration.k8s.io') return undefined;
  const objects = (key: string): KubeObject[] => store.list(key).map((stored) => stored.object);
  const labels = store.get('/namespaces', '', request.namespace)?.object.metadata.labels ?? {};
  const configurations = { mutating: objects(mutatingKey), validating: objects(validatingKey) };
  return core.activity.track(async () => {
    const result = await core.webhooks.admit({ ...request, type: kind.type }, configurations, labels);
    warnings?.push(...result.warnings);
    return result.object;
  });
}
