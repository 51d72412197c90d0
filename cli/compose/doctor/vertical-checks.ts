import type { KubeClient } from '../../../core/kube/index.ts';
import { findCondition, type Condition } from '../../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { boundedLines, counted, fail, ok, warn, type Check } from './check.ts';
import { foreign } from './foreign-text.ts';
import { readList, readObject, unreadLine, type Reading } from './reading.ts';

/** What the checks of requests look at. */
export interface VerticalFacts {
  readonly policies: Reading<readonly KubeObject[]>;
  readonly vpas: Reading<readonly KubeObject[]>;
  readonly webhook: Reading<KubeObject>;
}

/** As deploy/ names it; another name is a setting of `run` that a person at a terminal need not repeat. */
const webhookName = 'concertina-vpa';

export async function readVertical(client: KubeClient, namespace: string | undefined): Promise<VerticalFacts> {
  const [policies, vpas, webhook] = await Promise.all([
    readList(client, resourceTypes.verticalPolicies, namespace),
    readList(client, resourceTypes.verticalPodAutoscalers, namespace),
    readObject(client, resourceTypes.mutatingWebhookConfigurations, { name: webhookName }),
  ]);
  return { policies, vpas, webhook };
}

interface RawSpec {
  readonly targetRef?: { readonly kind?: string; readonly name?: string };
  readonly updatePolicy?: { readonly updateMode?: string };
  readonly mode?: string;
}

/** Nothing to say where there is no VerticalPolicy. */
export function judgeVertical({ policies, vpas, webhook }: VerticalFacts): Check[] {
  if (!policies.ok) return policies.kind === 'absent' ? [] : [unreadLine('vertical', 'VerticalPolicies', policies)];
  if (policies.value.length === 0) return [];
  const acting = policies.value.filter(({ spec }) => acts(spec as RawSpec));
  const lines = policies.value.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).map((policy) => judgePolicy(policy, vpas));
  const well = ok('vertical/policies', `${counted(policies.value.length, 'VerticalPolicy', 'VerticalPolicies')}: all recommend`);
  return [
    ...(acting.length === 0 ? [] : [judgeWebhook(webhook, acting.length)]),
    ...boundedLines(
      lines.filter(({ status }) => status !== 'OK'),
      well,
    ),
  ];
}

function acts({ updatePolicy, mode = 'Auto' }: RawSpec): boolean {
  return mode === 'Auto' && updatePolicy?.updateMode !== 'Off';
}

function judgeWebhook(webhook: Reading<KubeObject>, policies: number): Check {
  const check = 'vertical/webhook';
  const count = policies === 1 ? '1 VerticalPolicy acts' : `${policies} VerticalPolicies act`;
  if (!webhook.ok) {
    if (webhook.kind !== 'absent') return unreadLine(check, `MutatingWebhookConfiguration ${webhookName}`, webhook);
    return warn(
      check,
      `${count}, and there is no MutatingWebhookConfiguration ${webhookName}: new pods keep what they ask for, and nothing is evicted; run with --admission-address, as deploy/kustomize/base does`,
    );
  }
  const hooks = (webhook.value['webhooks'] ?? []) as readonly {
    readonly name?: string;
    readonly failurePolicy?: string;
    readonly clientConfig?: { readonly caBundle?: string };
  }[];
  const unsigned = hooks.find(({ clientConfig }) => (clientConfig?.caBundle ?? '') === '');
  if (hooks.length === 0 || unsigned !== undefined) {
    const what = unsigned === undefined ? 'no webhook' : `no caBundle for ${foreign(unsigned.name ?? '', 120)}`;
    return fail(
      check,
      `MutatingWebhookConfiguration ${webhookName} has ${what}: the API server cannot call it; the leader's log says why it was not written`,
    );
  }
  const strict = hooks.find(({ failurePolicy }) => failurePolicy !== 'Ignore');
  if (strict !== undefined) {
    return warn(
      check,
      `webhook ${foreign(strict.name ?? '', 120)} has failurePolicy ${foreign(strict.failurePolicy ?? '', 40)}: no pod can be created while the program is away; it puts that right while it runs`,
    );
  }
  return ok(check, `MutatingWebhookConfiguration ${webhookName} is registered, and lets pods through when nobody answers`);
}

function judgePolicy(policy: KubeObject, vpas: Reading<readonly KubeObject[]>): Check {
  const check = `vertical/${nameOf(policy)}`;
  const spec = policy.spec as RawSpec;
  const rival = vpas.ok ? vpas.value.find((vpa) => isRival(vpa, policy)) : undefined;
  const target = foreign(`${spec.targetRef?.kind ?? ''} ${spec.targetRef?.name ?? ''}`, 160);
  if (rival !== undefined && acts(spec)) {
    return fail(
      check,
      `VerticalPodAutoscaler ${nameOf(rival)} sizes ${target} too: nothing is done; delete one of the two or set the other's updateMode to Off`,
    );
  }
  const { conditions = [] } = (policy.status ?? {}) as { readonly conditions?: readonly Condition[] };
  for (const [type, bad] of [
    ['Accepted', 'False'],
    ['ConfigUnsupported', 'True'],
    ['NoPodsMatched', 'True'],
  ] as const) {
    const condition = findCondition(conditions, type);
    if (condition?.status === bad) return warn(check, `${type} is ${bad}: ${foreign(condition.message, 400)}`);
  }
  const provided = findCondition(conditions, 'RecommendationProvided');
  if (provided === undefined) return warn(check, 'nobody has looked at it yet: is the program running, with vpa among its --components?');
  if (provided.status !== 'True') return warn(check, `there is no recommendation yet: ${foreign(provided.message, 400)}`);
  return ok(check, `recommends for ${target}`);
}

function isRival(vpa: KubeObject, policy: KubeObject): boolean {
  const [a, b] = [vpa.spec as RawSpec, policy.spec as RawSpec];
  return (
    vpa.metadata.namespace === policy.metadata.namespace &&
    a.targetRef?.kind === b.targetRef?.kind &&
    a.targetRef?.name === b.targetRef?.name &&
    a.updatePolicy?.updateMode !== 'Off'
  );
}

function nameOf({ metadata }: KubeObject): string {
  return foreign(`${metadata.namespace ?? ''}/${metadata.name}`, 160);
}
