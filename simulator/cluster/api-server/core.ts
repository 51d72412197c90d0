import type { Clock, Random } from '../../../core/model/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { Activity } from './activity.ts';
import type { AdmissionRequest, WebhookAdmission } from './admission/index.ts';
import type { KindTable } from './kinds/kind-table.ts';
import type { AdmitContext, Kind, KindContext } from './kinds/kind.ts';
import type { Store } from './storage/store.ts';
import type { RegistryDeleteOptions, RegistryWriteOptions, UserInfo } from './types.ts';

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

export function admitContext(core: Core, { user, subresource }: WriteOptions): AdmitContext {
  return { ...kindContext(core, user), subresource: subresource === '' ? undefined : subresource };
}

const mutatingKey = 'admissionregistration.k8s.io/mutatingwebhookconfigurations';
const validatingKey = 'admissionregistration.k8s.io/validatingwebhookconfigurations';

export type WriteAdmission = Omit<AdmissionRequest, 'type'>;

function isExempt(kind: Kind): boolean {
  // Webhook configurations are not shown to webhooks, as upstream, or a broken one could never be removed.
  return kind.type.group === 'admissionregistration.k8s.io';
}

function labelsOf(core: Core, namespace: string | undefined): Readonly<Record<string, string>> {
  return core.store.get('/namespaces', '', namespace ?? '')?.object.metadata.labels ?? {};
}

/** Whether any admission webhook could be asked about the kind: without, a write needs no promise on its way. */
export function hasWebhooks({ store }: Core, kind: Kind): boolean {
  return (store.count(mutatingKey) > 0 || store.count(validatingKey) > 0) && !isExempt(kind);
}

/** Asks the mutating webhooks; without any it answers undefined at once, not a promise. */
export function mutateByWebhooks(
  core: Core,
  kind: Kind,
  request: WriteAdmission,
  warnings?: string[],
): Promise<KubeObject | undefined> | undefined {
  if (core.store.count(mutatingKey) === 0 || isExempt(kind)) return undefined;
  const configurations = core.store.list(mutatingKey).map((stored) => stored.object);
  return core.activity.track(async () => {
    const result = await core.webhooks.mutate({ ...request, type: kind.type }, configurations, labelsOf(core, request.namespace));
    warnings?.push(...result.warnings);
    return result.object;
  });
}

/** Asks the validating webhooks; throws their refusal. */
export function validateByWebhooks(core: Core, kind: Kind, request: WriteAdmission, warnings?: string[]): Promise<void> | undefined {
  if (core.store.count(validatingKey) === 0 || isExempt(kind)) return undefined;
  const configurations = core.store.list(validatingKey).map((stored) => stored.object);
  return core.activity.track(async () => {
    const found = await core.webhooks.validate({ ...request, type: kind.type }, configurations, labelsOf(core, request.namespace));
    warnings?.push(...found);
  });
}
