/** What a group's instances will be: read when a template is asked for, believed for a while (§16). */
import type { Clock, Random } from '../../../core/model/clock.ts';
import { messageOf } from '../../../core/errors.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { AwsApi } from './api.ts';
import type { AsgFacts } from './asg.ts';
import {
  factsOfNodegroup,
  launchQuestion,
  meaningOfTemplate,
  typesOfAnswer,
  type InstanceRequirementsFacts,
  type InstanceTypeFacts,
  type LaunchTemplateData,
  type LaunchTemplateReference,
  type ManagedFacts,
  type ManagedNodegroup,
} from './engine/index.ts';
import { createExpiringCache } from './expiring-cache.ts';
import { staticInstanceTypes } from './instance-types/table.ts';

/** Asks EKS about a managed node group: the SDK's client for EKS is not a part of the suite. Throws when it cannot. */
export type DescribeManagedNodegroup = (cluster: string, nodegroup: string) => Promise<ManagedNodegroup>;

export interface LaunchDataOptions {
  readonly api: AwsApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Never ask EC2 about types (`--aws-use-static-instance-list`). */
  readonly staticTypes: boolean;
  readonly describeManagedNodegroup?: DescribeManagedNodegroup | undefined;
}

/** Names of the types that stand for a group, and requirements whose minima replace what the type has. */
export interface GroupTypes {
  readonly types: readonly string[];
  readonly requirements: InstanceRequirementsFacts | undefined;
}

export interface LaunchDataReader {
  /** `siblings`: names of other launch configurations that will be asked for too and cost no further call. */
  typesOf(group: AsgFacts, siblings: readonly string[]): Promise<GroupTypes | { readonly problem: string }>;
  /** Facts of types; one that nobody knows is absent. */
  factsOf(names: readonly string[]): Promise<readonly InstanceTypeFacts[]>;
  /** What EKS tells of the node group; without a way to ask, or when it fails, nothing but tags is known. */
  managed(names: { readonly cluster: string; readonly nodegroup: string } | undefined): Promise<ManagedAnswer>;
}

export interface ManagedAnswer {
  readonly facts: ManagedFacts | undefined;
  readonly note: string | undefined;
}

/** Group → type as upstream keeps it; EKS's answers shorter. Types themselves never change, but their list grows. */
const typeTtlMs = 20 * 60_000;
const nodegroupTtlMs = 6 * 60_000;
const factsTtlMs = 24 * 3_600_000;
/** A type that EC2 does not know, or could not be asked about. */
const unknownTtlMs = 5 * 60_000;

export function createLaunchData(options: LaunchDataOptions): LaunchDataReader {
  const { api, logger } = options;
  const cacheOf = <T>(ttlMs: number): ReturnType<typeof createExpiringCache<T>> => createExpiringCache<T>({ ...options, ttlMs });
  const configurations = cacheOf<string>(typeTtlMs);
  const templates = cacheOf<{ readonly data: LaunchTemplateData | undefined }>(typeTtlMs);
  const answers = cacheOf<readonly string[]>(typeTtlMs);
  const nodegroups = cacheOf<ManagedAnswer>(nodegroupTtlMs);
  const types = cacheOf<InstanceTypeFacts>(factsTtlMs);
  const unasked = cacheOf<true>(unknownTtlMs);

  const ofConfiguration = async (name: string, siblings: readonly string[]): Promise<GroupTypes | { problem: string }> => {
    const held = configurations.get(name);
    if (held !== undefined) return { types: [held], requirements: undefined };
    const wanted = [...new Set([name, ...siblings])].filter((other) => configurations.get(other) === undefined);
    for (const [other, type] of await api.launchConfigurations(wanted)) configurations.set(other, type);
    const type = configurations.get(name);
    return type === undefined ? { problem: `its launch configuration ${name} does not exist` } : { types: [type], requirements: undefined };
  };

  const ofTemplate = async (
    group: AsgFacts,
    reference: LaunchTemplateReference,
    overriding: InstanceRequirementsFacts | undefined,
  ): Promise<GroupTypes | { problem: string }> => {
    const key = `${reference.id ?? reference.name}@${reference.version}`;
    const { data } = await templates.take(key, async () => ({ data: await api.launchTemplate(reference) }));
    const meaning = meaningOfTemplate(data, overriding);
    if ('problem' in meaning) return meaning;
    if ('type' in meaning) return { types: [meaning.type], requirements: undefined };
    const { requirements, imageId } = meaning;
    const question = `${key} ${imageId} ${JSON.stringify(requirements)}`;
    const found = answers.get(question) ?? (await api.typesFor(requirements, imageId));
    // No type at all is not an answer to be believed for long.
    if (found.length > 0) answers.set(question, found);
    const answer = typesOfAnswer(found.slice(0, 1));
    if ('problem' in answer) return answer;
    // Upstream takes the minima for mixed policies only; a plain template with requirements is not one.
    return { types: answer.types, requirements: group.launch.mixed === undefined ? undefined : requirements };
  };

  const learn = async (names: readonly string[]): Promise<void> => {
    const wanted = names.filter((name) => types.get(name) === undefined && unasked.get(name) === undefined);
    if (wanted.length === 0 || options.staticTypes) return;
    try {
      for (const [name, facts] of await api.instanceTypes(wanted)) types.set(name, facts);
    } catch (error) {
      logger.warn('EC2 could not be asked about instance types: those that are known by heart are used', { types: wanted, error });
    }
    for (const name of wanted) if (types.get(name) === undefined) unasked.set(name, true);
  };

  return {
    typesOf: async (group, siblings) => {
      const question = launchQuestion(group.launch);
      switch (question.ask) {
        case 'impossible':
          return { problem: question.problem };
        case 'nothing':
          return { types: question.types, requirements: undefined };
        case 'launch-configuration':
          return ofConfiguration(question.name, siblings);
        case 'launch-template':
          return ofTemplate(group, question.template, question.requirements);
      }
    },
    factsOf: async (names) => {
      await learn(names);
      return names.flatMap((name) => types.get(name) ?? staticInstanceTypes().get(name) ?? []);
    },
    managed: async (names) => {
      if (names === undefined) return { facts: undefined, note: undefined };
      const { cluster, nodegroup } = names;
      const ask = options.describeManagedNodegroup;
      if (ask === undefined) {
        return { facts: undefined, note: `EKS is not asked about node group ${nodegroup}: its labels and taints are those of the tags` };
      }
      return nodegroups.take(JSON.stringify(names), async () => {
        // As upstream, a failure is kept like an answer: a missing permission is not asked about in every loop.
        try {
          const facts = factsOfNodegroup(await ask(cluster, nodegroup));
          return 'problem' in facts ? { facts: undefined, note: facts.problem } : { facts, note: undefined };
        } catch (error) {
          logger.warn('EKS could not be asked about a node group', { cluster, nodegroup, error });
          return { facts: undefined, note: `EKS could not be asked about node group ${nodegroup}: ${messageOf(error)}` };
        }
      });
    },
  };
}
