import { Registry } from 'prom-client';
import { holderOf, rivalLease } from '../../../cluster-autoscaler/index.ts';
import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import { dryRunFence, type KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { findCondition, type Condition } from '../../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { silentLogger } from '../../../core/runtime/logging.ts';
import { scalesNodes } from '../nodes-settings.ts';
import { providerOf, type ProviderFactory } from '../nodes.ts';
import type { DecisionSettings } from '../settings.ts';
import { boundedLines, counted, fail, listed, ok, skipped, warn, type Check } from './check.ts';
import { foreign } from './foreign-text.ts';
import { readList, unreadLine, type Reading } from './reading.ts';

/** A group as far as a check-up tells of it. */
export interface CloudGroup {
  readonly id: string;
  readonly size: string;
  readonly notes: readonly string[];
  /** Why a node of it cannot be imagined; absent: it can. */
  readonly templateProblem?: string | undefined;
}

/** What the checks of node groups look at. */
export interface NodesFacts {
  readonly policies: Reading<readonly KubeObject[]>;
  readonly leases: Reading<readonly KubeObject[]>;
  readonly deployments: Reading<readonly KubeObject[]>;
  readonly nodes: Reading<readonly KubeObject[]>;
  /** `undefined`: no cloud is named in the settings. */
  readonly cloud:
    | {
        readonly provider: string;
        readonly result: { readonly groups: readonly CloudGroup[] } | { readonly problem: string; readonly code: string };
      }
    | undefined;
  /** Epoch milliseconds of the cluster. */
  readonly now: number;
}

export interface ReadNodesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly settings: DecisionSettings;
  /** Epoch milliseconds of the cluster. */
  readonly now: () => number;
  readonly nodes: Reading<readonly KubeObject[]>;
  readonly provider?: ProviderFactory | undefined;
}

export async function readNodes(options: ReadNodesOptions): Promise<NodesFacts> {
  const { client, now, nodes } = options;
  const [policies, leases, deployments, cloud] = await Promise.all([
    readList(client, resourceTypes.nodePoolPolicies),
    readList(client, resourceTypes.leases),
    readList(client, resourceTypes.deployments),
    readCloud(options),
  ]);
  return { policies, leases, deployments, nodes, cloud, now: now() };
}

async function readCloud({ client, clock, settings, provider: given }: ReadNodesOptions): Promise<NodesFacts['cloud']> {
  if (given === undefined && !scalesNodes(settings)) return undefined;
  const name = settings.cloudProvider;
  const makeProvider = given ?? ((parts) => providerOf(settings, parts));
  let provider: ReturnType<ProviderFactory> | undefined;
  try {
    provider = makeProvider({
      client,
      clock,
      random: () => 0.5,
      logger: silentLogger,
      registry: new Registry(),
      fence: dryRunFence('this command only looks'),
    });
    await provider.refresh();
    const groups: CloudGroup[] = [];
    for (const { id, minSize, maxSize, targetSize, notes } of provider.groups()) {
      const template = await provider.template(id);
      groups.push({
        id,
        size: `${targetSize} nodes, ${minSize} to ${maxSize}`,
        notes,
        ...('problem' in template ? { templateProblem: template.problem } : {}),
      });
    }
    return { provider: provider.name, result: { groups } };
  } catch (error) {
    if (!isConcertinaError(error)) throw error;
    return { provider: name, result: { problem: foreign(messageOf(error), 400), code: error.code } };
  } finally {
    await provider?.close();
  }
}

/** Nothing to say where there are neither policies nor a cloud. */
export function judgeNodes(facts: NodesFacts): Check[] {
  const { policies, cloud } = facts;
  const has = policies.ok && policies.value.length > 0;
  if (!has && cloud === undefined) {
    return policies.ok || policies.kind === 'absent' ? [] : [unreadLine('nodes/policies', 'NodePoolPolicies', policies)];
  }
  return [...judgeCloud(facts), ...judgeRivals(facts), ...judgeLeftovers(facts), ...judgePolicies(facts)];
}

function judgeCloud({ cloud }: NodesFacts): Check[] {
  const check = 'nodes/cloud';
  if (cloud === undefined) {
    return [
      skipped(
        check,
        'there are NodePoolPolicies, and no cloud was named: give --cloud-provider and --nodes or --node-group-auto-discovery, as run has them',
      ),
    ];
  }
  const { provider, result } = cloud;
  if ('problem' in result) return [fail(check, `${provider} cannot be read: ${result.problem}`, { code: result.code })];
  const { groups } = result;
  if (groups.length === 0) {
    return [
      fail(
        check,
        `${provider} answers and has no node group that fits; check the names in --nodes, the tags in --node-group-auto-discovery and the region`,
      ),
    ];
  }
  const problems = groups.flatMap(({ id, notes, templateProblem }) => [
    ...(templateProblem === undefined
      ? []
      : [
          warn(
            `nodes/group/${id}`,
            `a node of it cannot be imagined while it is empty: ${foreign(templateProblem, 300)}; describe it in spec.template of its NodePoolPolicy, or in its tags`,
          ),
        ]),
    ...notes.map((note) => warn(`nodes/group/${id}`, foreign(note, 300))),
  ]);
  const sizes = groups.map(({ id, size }) => `${id} (${size})`);
  return [
    ok(check, `${provider} answers: ${counted(groups.length, 'node group')}: ${listed(sizes)}`),
    ...boundedLines(problems, ok('nodes/groups', 'nothing is odd about them')),
  ];
}

/** Two that scale the same groups would work against each other, so ours does nothing while the other one's Lease is held. */
function judgeRivals({ leases, deployments, now }: NodesFacts): Check[] {
  const check = 'nodes/other-autoscaler';
  if (!leases.ok && !deployments.ok) return [unreadLine(check, 'Leases', leases)];
  const holders = leases.ok
    ? leases.value.filter(({ metadata }) => metadata.name === rivalLease).flatMap((lease) => holderOf(lease, now) ?? [])
    : [];
  const running = deployments.ok
    ? deployments.value.filter(isAutoscaler).map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`)
    : [];
  const remedy = 'no node group is changed beside it; scale it to 0, or leave --cloud-provider out';
  if (holders.length > 0) {
    const which = running.length === 0 ? '' : `, Deployment ${listed(running)}`;
    return [
      fail(
        check,
        `another cluster autoscaler is at work (Lease ${rivalLease}, holder ${foreign(listed(holders), 200)}${which}): ${remedy}`,
      ),
    ];
  }
  if (running.length > 0)
    return [warn(check, `Deployment ${foreign(listed(running), 200)} looks like another cluster autoscaler: ${remedy}`)];
  return [ok(check, 'no other cluster autoscaler is at work')];
}

interface RawDeployment {
  readonly replicas?: number;
  readonly template?: { readonly spec?: { readonly containers?: readonly { readonly image?: string }[] } };
}

/** By its image, whatever it is called; one that is scaled to 0 does nothing. */
function isAutoscaler({ spec }: KubeObject): boolean {
  const { replicas = 1, template } = (spec ?? {}) as RawDeployment;
  const images = template?.spec?.containers ?? [];
  return replicas > 0 && images.some(({ image = '' }) => /(?:^|\/)cluster-autoscaler(?:-[a-z0-9]+)?(?:[:@]|$)/.test(image));
}

const taints = { deleted: 'ToBeDeletedByClusterAutoscaler', candidate: 'DeletionCandidateOfClusterAutoscaler' };
/** Longer than a removal can take: ten minutes for pods to end, two for evictions, two for delays. */
const staleMs = 30 * 60_000;

/** Taints of a removal that nobody goes on with keep pods from the node for ever. */
function judgeLeftovers({ nodes, now }: NodesFacts): Check[] {
  const check = 'nodes/leftover-taints';
  if (!nodes.ok) return [unreadLine(check, 'nodes', nodes)];
  const stale = nodes.value.filter(({ spec }) => {
    const { taints: own = [] } = (spec ?? {}) as { readonly taints?: readonly { readonly key: string; readonly value?: string }[] };
    const value = own.find(({ key }) => key === taints.deleted)?.value;
    return value !== undefined && now - Number(value) * 1000 > staleMs;
  });
  if (stale.length === 0) return [ok(check, 'no node has the deletion taint of a removal that nobody goes on with')];
  const names = stale.map(({ metadata }) => metadata.name);
  return [
    warn(
      check,
      `${listed(names)} ${names.length === 1 ? 'has' : 'have'} had the taint ${taints.deleted} for more than half an hour; the program takes it back when it starts, or: kubectl taint node NAME ${taints.deleted}- && kubectl uncordon NAME`,
    ),
  ];
}

function judgePolicies({ policies }: NodesFacts): Check[] {
  if (!policies.ok || policies.value.length === 0) return [];
  const problems = policies.value
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map(judgePolicy)
    .filter(({ status }) => status !== 'OK');
  return boundedLines(
    problems,
    ok('nodes/policies', `${counted(policies.value.length, 'NodePoolPolicy', 'NodePoolPolicies')}: all are carried out`),
  );
}

function judgePolicy({ metadata, status }: KubeObject): Check {
  const check = `nodes/policy/${foreign(metadata.name, 120)}`;
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
  const conditionOf = (type: string): Condition | undefined => findCondition(conditions, type);
  const accepted = conditionOf('Accepted');
  if (accepted === undefined) return warn(check, 'nobody has looked at it yet: is the program running, with --cloud-provider?');
  if (accepted.status !== 'True') return fail(check, `is not accepted: ${foreign(accepted.message, 400)}`);
  for (const [type, bad] of [
    ['GroupsFound', 'False'],
    ['Held', 'True'],
    ['Healthy', 'False'],
  ] as const) {
    const condition = conditionOf(type);
    if (condition?.status === bad)
      return warn(check, `${type} is ${bad} (${foreign(condition.reason, 60)}): ${foreign(condition.message, 400)}`);
  }
  return ok(check, 'is carried out');
}
