import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import type { LabelSelectorShape } from '../kinds/shapes.ts';
import type { UserInfo } from '../types.ts';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** A write on its way to the store. */
export interface AdmissionRequest {
  readonly operation: AdmissionOperation;
  readonly type: ResourceType;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** The new object; absent for DELETE. */
  readonly object?: KubeObject | undefined;
  /** The stored object, for UPDATE and DELETE. */
  readonly oldObject?: KubeObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
}

export interface WebhookConfigurations {
  readonly mutating: readonly KubeObject[];
  readonly validating: readonly KubeObject[];
}

/** One webhook of a configuration with upstream's defaults filled in. */
export interface Webhook {
  readonly name: string;
  readonly url: string | undefined;
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number; readonly path: string } | undefined;
  /** PEM; the system's roots when absent. */
  readonly caBundle: string | undefined;
  readonly timeoutSeconds: number;
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly sideEffects: string;
  readonly reinvoke: boolean;
  readonly rules: readonly Json[];
  readonly namespaceSelector: LabelSelectorShape;
  readonly objectSelector: LabelSelectorShape;
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[];
}

/** The webhooks of all configurations: configurations by name, within one in their own order. */
export function webhooksOf(configurations: readonly KubeObject[]): Webhook[] {
  return configurations
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap((configuration) => objectsOf(configuration['webhooks']).map(webhookOf));
}

function webhookOf(webhook: Json): Webhook {
  const client = objectOf(webhook['clientConfig']);
  const service = client['service'] === undefined ? undefined : objectOf(client['service']);
  const bundle = textOf(client['caBundle']);
  return {
    name: textOf(webhook['name']),
    url: typeof client['url'] === 'string' ? client['url'] : undefined,
    service:
      service === undefined
        ? undefined
        : {
            namespace: textOf(service['namespace']),
            name: textOf(service['name']),
            port: typeof service['port'] === 'number' ? service['port'] : 443,
            path: textOf(service['path']),
          },
    caBundle: bundle === '' ? undefined : Buffer.from(bundle, 'base64').toString('utf8'),
    timeoutSeconds: typeof webhook['timeoutSeconds'] === 'number' ? webhook['timeoutSeconds'] : 10,
    failurePolicy: webhook['failurePolicy'] === 'Ignore' ? 'Ignore' : 'Fail',
    sideEffects: textOf(webhook['sideEffects']) || 'Unknown',
    reinvoke: webhook['reinvocationPolicy'] === 'IfNeeded',
    rules: objectsOf(webhook['rules']),
    namespaceSelector: objectOf(webhook['namespaceSelector']),
    objectSelector: objectOf(webhook['objectSelector']),
    matchConditions: objectsOf(webhook['matchConditions']).map((item) => ({
      name: textOf(item['name']),
      expression: textOf(item['expression']),
    })),
  };
}
