import { messageOf } from '../../../../core/errors.ts';
import type { Random } from '../../../../core/model/clock.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { badRequest, forbidden, internalError } from '../errors.ts';
import { equalJson } from '../json.ts';
import { uuid } from '../names.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { createWebhookCaller } from './call.ts';
import type { WebhookCaller, WebhookCallerOptions } from './call.ts';
import { matchConditions, selects } from './matching.ts';
import { denial, readResponse, reviewRequest } from './review.ts';
import type { ReviewResponse } from './review.ts';
import { webhooksOf } from './webhook-types.ts';
import type { AdmissionRequest, Webhook, WebhookConfigurations } from './webhook-types.ts';

export { checkNodeRestriction } from './node-restriction.ts';
export type { ServiceAddress } from './call.ts';
export type { AdmissionOperation, AdmissionRequest, WebhookConfigurations } from './webhook-types.ts';

export interface WebhookAdmissionOptions extends WebhookCallerOptions {
  readonly random: Random;
}

export interface AdmissionResult {
  /** The object as the mutating webhooks left it; the caller applies defaults and validation to it again. Absent when none came in. */
  readonly object?: KubeObject;
  /** For `Warning` headers. */
  readonly warnings: string[];
}

export interface WebhookAdmission {
  /**
   * Calls the webhooks that the request concerns: mutating ones one after another, then validating ones at once.
   * `namespaceLabels` are those of the request's namespace. Throws `StatusError` for a denial or a failed call under `failurePolicy: Fail`.
   */
  admit(
    request: AdmissionRequest,
    configurations: WebhookConfigurations,
    namespaceLabels?: Readonly<Record<string, string>>,
  ): Promise<AdmissionResult>;
  /** Only the mutating half, for callers that default and validate in between. */
  mutate(
    request: AdmissionRequest,
    configurations: readonly KubeObject[],
    namespaceLabels?: Readonly<Record<string, string>>,
  ): Promise<AdmissionResult>;
  /** Only the validating half; answers the warnings. */
  validate(
    request: AdmissionRequest,
    configurations: readonly KubeObject[],
    namespaceLabels?: Readonly<Record<string, string>>,
  ): Promise<string[]>;
  /** Drops the kept connections. */
  close(): Promise<void>;
}

/** Webhook admission as kube-apiserver does it, over TLS. `matchPolicy` counts as `Exact`: objects are not converted between versions. */
export function createWebhookAdmission(options: WebhookAdmissionOptions): WebhookAdmission {
  const caller = createWebhookCaller(options);
  const context = (namespaceLabels: Readonly<Record<string, string>> | undefined): Context => ({
    caller,
    random: options.random,
    namespaceLabels,
  });
  const admission: WebhookAdmission = {
    admit: async (request, configurations, namespaceLabels) => {
      const mutated = await admission.mutate(request, configurations.mutating, namespaceLabels);
      const warnings = await admission.validate({ ...request, object: mutated.object }, configurations.validating, namespaceLabels);
      return { ...mutated, warnings: [...mutated.warnings, ...warnings] };
    },
    mutate: (request, configurations, namespaceLabels) => mutateAll(request, webhooksOf(configurations), context(namespaceLabels)),
    validate: (request, configurations, namespaceLabels) => validateAll(request, webhooksOf(configurations), context(namespaceLabels)),
    close: () => caller.close(),
  };
  return admission;
}

interface Context {
  readonly caller: WebhookCaller;
  readonly random: Random;
  readonly namespaceLabels: Readonly<Record<string, string>> | undefined;
}

async function mutateAll(request: AdmissionRequest, webhooks: readonly Webhook[], context: Context): Promise<AdmissionResult> {
  const warnings: string[] = [];
  const seen = new Map<Webhook, KubeObject | undefined>();
  let object = request.object;
  const run = async (webhook: Webhook): Promise<void> => {
    const response = await invoke(webhook, { ...request, object }, { ...context, mutating: true });
    if (response === undefined) return;
    warnings.push(...response.warnings);
    object = patched(webhook, object, response.patch);
    seen.set(webhook, object);
  };
  for (const webhook of webhooks) await run(webhook);
  // Once more, for those that ask for it and have not seen what came after them.
  for (const webhook of webhooks) if (webhook.reinvoke && seen.has(webhook) && !equalJson(seen.get(webhook), object)) await run(webhook);
  return { ...(object === undefined ? {} : { object }), warnings };
}

function patched(webhook: Webhook, object: KubeObject | undefined, patch: unknown): KubeObject | undefined {
  if (patch === undefined || (Array.isArray(patch) && patch.length === 0)) return object;
  if (object === undefined) {
    throw internalError(
      `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  try {
    return applyJsonPatch(object, patch) as KubeObject;
  } catch (error) {
    throw internalError(messageOf(error));
  }
}

async function validateAll(request: AdmissionRequest, webhooks: readonly Webhook[], context: Context): Promise<string[]> {
  const outcomes = await Promise.allSettled(webhooks.map((webhook) => invoke(webhook, request, { ...context, mutating: false })));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  // invoke rejects with StatusErrors only.
  if (failed !== undefined) throw failed.reason as Error;
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value?.warnings ?? []) : []));
}

/** Undefined when the webhook is not concerned, or failed and may. Throws for denials and failures that count. */
async function invoke(
  webhook: Webhook,
  request: AdmissionRequest,
  context: Context & { mutating: boolean },
): Promise<ReviewResponse | undefined> {
  if (!selects(webhook, request, context.namespaceLabels)) return undefined;
  const uid = uuid(context.random);
  const review = reviewRequest(request, uid);
  const verdict = matchConditions(webhook, request, review);
  if ('error' in verdict) {
    if (webhook.failurePolicy === 'Ignore') return undefined;
    throw forbidden(request.type, request.name ?? '', verdict.error);
  }
  if (!verdict.matches) return undefined;
  if (request.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') {
    throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  }
  let response: ReviewResponse;
  try {
    const reply = await context.caller.call(webhook, { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: review });
    response = readResponse(reply, uid, context.mutating);
  } catch (error) {
    if (webhook.failurePolicy === 'Ignore') return undefined;
    throw internalError(`failed calling webhook ${JSON.stringify(webhook.name)}: ${messageOf(error)}`);
  }
  if (!response.allowed) throw denial(webhook, response.status);
  return response;
}
