import type { KubeObject } from '../../../core/model/object.ts';
import { sameJson } from '../../../core/model/same-json.ts';
import { systemNamespaces, type RegistrationConfig } from '../config.ts';

/** Paths that the server answers. */
export const admissionPaths = { pods: '/mutate-pods', vpas: '/validate-vpas' } as const;

export interface WebhookObjectOptions {
  readonly registration: RegistrationConfig;
  /** Of this program: its own pods have to come up when it is down. */
  readonly ownNamespace: string;
  /** PEM; `undefined`: whoever supplies the certificate writes the bundle too. */
  readonly caBundle: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The MutatingWebhookConfiguration as it should be, with every default of the API server written out, so that it can be compared.
 *
 * reinvocationPolicy is IfNeeded: webhooks run in order of their names, and one that injects a container after us would leave it unsized. A pod that was
 * patched before comes again then: the patch of vpa/adaptation takes what its boost annotation says for the original.
 */
export function webhookObject(options: WebhookObjectOptions): KubeObject {
  const { registration } = options;
  const webhooks = [
    webhook(options, {
      name: 'pods.vpa.concertina.dev',
      path: admissionPaths.pods,
      rule: { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] },
    }),
  ];
  if (registration.validateVpas) {
    webhooks.push(
      webhook(options, {
        name: 'verticalpodautoscalers.vpa.concertina.dev',
        path: admissionPaths.vpas,
        rule: {
          apiGroups: ['autoscaling.k8s.io'],
          apiVersions: ['*'],
          resources: ['verticalpodautoscalers'],
          operations: ['CREATE', 'UPDATE'],
        },
      }),
    );
  }
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: registration.name, labels: { 'app.kubernetes.io/managed-by': 'concertina', ...registration.labels } },
    webhooks,
  };
}

/** Names of namespaces that the webhook is not asked about, sorted. */
export function excludedNamespaces(registration: RegistrationConfig, ownNamespace: string): readonly string[] {
  // Quirk Q3: an empty list, split at commas, is one empty name upstream.
  return [...new Set([...systemNamespaces, ownNamespace, ...registration.ignoredNamespaces])].filter((name) => name !== '').toSorted();
}

/** Whether the webhook is asked about a namespace. */
export function concernsNamespace(registration: RegistrationConfig, ownNamespace: string, namespace: string): boolean {
  const only = registration.onlyNamespaces;
  return !excludedNamespaces(registration, ownNamespace).includes(namespace) && (only.length === 0 || only.includes(namespace));
}

function webhook(options: WebhookObjectOptions, own: { readonly name: string; readonly path: string; readonly rule: Json }): Json {
  const { registration, ownNamespace, caBundle } = options;
  const nameLabel = 'kubernetes.io/metadata.name';
  const only = registration.onlyNamespaces.filter((name) => name !== '').toSorted();
  return {
    name: own.name,
    admissionReviewVersions: ['v1'],
    clientConfig: {
      ...(caBundle === undefined ? {} : { caBundle: toBase64(caBundle) }),
      ...address(registration, own.path),
    },
    rules: [{ ...own.rule, scope: '*' }],
    failurePolicy: 'Ignore',
    matchPolicy: 'Equivalent',
    sideEffects: 'None',
    timeoutSeconds: registration.timeoutSeconds,
    reinvocationPolicy: 'IfNeeded',
    namespaceSelector: {
      matchExpressions: [
        { key: nameLabel, operator: 'NotIn', values: excludedNamespaces(registration, ownNamespace) },
        ...(only.length === 0 ? [] : [{ key: nameLabel, operator: 'In', values: only }]),
      ],
    },
    objectSelector: {},
  };
}

function address({ address: target }: RegistrationConfig, path: string): Json {
  if (target.kind === 'url') return { url: `${target.url.replace(/\/+$/, '')}${path}` };
  return { service: { namespace: target.namespace, name: target.name, port: target.port, path } };
}

/** What is to be done about the object. */
export type RegistrationAction =
  | { readonly action: 'none' }
  | { readonly action: 'create'; readonly object: KubeObject }
  /** A merge patch, with the version that was compared as precondition. */
  | { readonly action: 'patch'; readonly body: object; readonly differences: readonly string[] };

/** Compares the object as it is with what it should be. */
export function planRegistration(actual: KubeObject | undefined, wanted: KubeObject): RegistrationAction {
  if (actual === undefined) return { action: 'create', object: wanted };
  const differences = registrationDifferences(actual, wanted);
  if (differences.length === 0) return { action: 'none' };
  const { resourceVersion } = actual.metadata;
  return {
    action: 'patch',
    differences,
    body: {
      metadata: { ...(resourceVersion === undefined ? {} : { resourceVersion }), labels: wanted.metadata.labels },
      webhooks: webhooksOf(wanted).map((each) => withBundle(each, actual)),
    },
  };
}

/** Where the object is not as it should be, one phrase each; empty when it is. */
export function registrationDifferences(actual: KubeObject, wanted: KubeObject): readonly string[] {
  const differences: string[] = [];
  const labels = actual.metadata.labels ?? {};
  for (const [key, value] of Object.entries(wanted.metadata.labels ?? {})) {
    if (labels[key] !== value) differences.push(`label ${key} is not ${JSON.stringify(value)}`);
  }
  const present = webhooksOf(actual);
  const expected = webhooksOf(wanted);
  for (const each of expected) {
    const found = present.find((other) => other['name'] === each['name']);
    if (found === undefined) differences.push(`webhook ${nameOf(each)} is missing`);
    else differences.push(...fieldDifferences(found, each).map((field) => `${field} of webhook ${nameOf(each)}`));
  }
  for (const other of present) {
    if (!expected.some((each) => each['name'] === other['name'])) differences.push(`webhook ${nameOf(other)} does not belong there`);
  }
  return differences;
}

/** The bundle that the pods' webhook carries, PEM; `undefined` when there is none. */
export function registeredBundle(actual: KubeObject | undefined): string | undefined {
  const first = actual === undefined ? undefined : webhooksOf(actual)[0];
  const bundle = isJson(first?.['clientConfig']) ? first['clientConfig']['caBundle'] : undefined;
  return typeof bundle === 'string' && bundle !== '' ? fromBase64(bundle) : undefined;
}

function fieldDifferences(actual: Json, wanted: Json): string[] {
  const differences = Object.keys(wanted).filter((field) => field !== 'clientConfig' && !sameWithoutOrder(actual[field], wanted[field]));
  // It would take pods away from us.
  if (Array.isArray(actual['matchConditions']) && actual['matchConditions'].length > 0) differences.push('matchConditions');
  const [have, want] = [actual['clientConfig'], wanted['clientConfig']].map((config) => (isJson(config) ? config : {}));
  for (const field of ['url', 'service']) {
    if (!sameWithoutOrder(have?.[field], want?.[field])) differences.push(`clientConfig.${field}`);
  }
  if (want?.['caBundle'] !== undefined && have?.['caBundle'] !== want['caBundle']) differences.push('clientConfig.caBundle');
  return differences;
}

/** Where the bundle is not ours to write, what stands there stays: a merge patch replaces the whole list. */
function withBundle(wanted: Json, actual: KubeObject): Json {
  const config = isJson(wanted['clientConfig']) ? wanted['clientConfig'] : {};
  if (config['caBundle'] !== undefined) return wanted;
  const found = webhooksOf(actual).find((other) => other['name'] === wanted['name']);
  const bundle = isJson(found?.['clientConfig']) ? found['clientConfig']['caBundle'] : undefined;
  return bundle === undefined ? wanted : { ...wanted, clientConfig: { ...config, caBundle: bundle } };
}

function sameWithoutOrder(a: unknown, b: unknown): boolean {
  return sameJson(sorted(a), sorted(b));
}

/** The same value with keys in order, so that two texts of it are equal. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJson(value)) return value ?? undefined;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  );
}

function webhooksOf(object: KubeObject): readonly Json[] {
  const { webhooks } = object as { webhooks?: unknown };
  return Array.isArray(webhooks) ? webhooks.filter(isJson) : [];
}

function nameOf(webhook: Json): string {
  return typeof webhook['name'] === 'string' ? webhook['name'].replace(/[^\w.-]/g, '?').slice(0, 100) : 'without a name';
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}
