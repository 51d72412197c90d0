/** The calls of AWS that the provider makes, as plain functions over the SDK. */
import type { AutoScalingClient, AutoScalingClientConfig } from '@aws-sdk/client-auto-scaling';
import type { EC2Client, EC2ClientConfig, _InstanceType, InstanceRequirementsRequest } from '@aws-sdk/client-ec2';
import { factsOfAsg, type AsgFacts } from './asg.ts';
import type { Caller, CallFacts, CallResult } from './calls.ts';
import {
  factsOfType,
  requirementsRequest,
  type InstanceRequirementsFacts,
  type InstanceTypeFacts,
  type LaunchTemplateData,
  type LaunchTemplateReference,
  type ScalingActivity,
  type TagFilter,
} from './engine/index.ts';
import { errorOf } from './faults.ts';
import type { AutoScalingSdk, AwsSdkLoader, Ec2Sdk } from './sdk.ts';

/** Reads throw `PROVIDER_…`; changes answer what came of them. */
export interface AwsApi {
  /** Empty until the first call has found it out. */
  readonly region: string;
  groupsByName(names: readonly string[], signal?: AbortSignal): Promise<readonly AsgFacts[]>;
  groupsByTags(filters: readonly TagFilter[], signal?: AbortSignal): Promise<readonly AsgFacts[]>;
  /** The newest hundred, newest first. */
  activities(group: string, signal?: AbortSignal): Promise<readonly ScalingActivity[]>;
  /** `once`: see {@link CallFacts}. */
  setDesiredCapacity(group: string, size: number, options?: { readonly once?: number }): Promise<CallResult<void>>;
  /** With the desired capacity lowered by one. */
  terminate(group: string, instance: string): Promise<CallResult<void>>;
  /** Instance types of launch configurations by name; those that are not there are absent. */
  launchConfigurations(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
  launchTemplate(template: LaunchTemplateReference): Promise<LaunchTemplateData | undefined>;
  /** Types that meet the requirements for an image, in EC2's order. */
  typesFor(requirements: InstanceRequirementsFacts, imageId: string): Promise<readonly string[]>;
  /** What EC2 tells of types; those that it does not know are absent. */
  instanceTypes(names: readonly string[]): Promise<ReadonlyMap<string, InstanceTypeFacts>>;
  close(): void;
}

export interface AwsApiOptions {
  readonly sdk: AwsSdkLoader;
  readonly caller: Caller;
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  /** Passed to the SDK's clients: `requestHandler`, `credentials`. */
  readonly client?: AwsClientSettings | undefined;
}

/** What may be handed to both clients; `unknown` where the SDK's own types would tie us to its inner packages. */
export interface AwsClientSettings {
  readonly requestHandler?: unknown;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string } | undefined;
}

const groupsPerCall = 100;
const configurationsPerCall = 50;
const typesPerCall = 100;

export function createAwsApi(options: AwsApiOptions): AwsApi {
  const { caller } = options;
  let region = options.region ?? '';
  const scaling = once(async () => {
    const sdk = await options.sdk.autoScaling();
    const client = new sdk.AutoScalingClient(clientConfig(options) as AutoScalingClientConfig);
    return { sdk, client };
  });
  const ec2 = once(async () => {
    const sdk = await options.sdk.ec2();
    return { sdk, client: new sdk.EC2Client(clientConfig(options) as EC2ClientConfig) };
  });

  const onScaling = async <T>(facts: CallFacts, run: (parts: ScalingParts, signal: AbortSignal) => Promise<T>): Promise<CallResult<T>> => {
    const parts = await scaling.get();
    return caller.call(facts, async (signal) => {
      if (region === '') region = await parts.client.config.region();
      return run(parts, signal);
    });
  };
  const onEc2 = async <T>(call: string, run: (parts: Ec2Parts, signal: AbortSignal) => Promise<T>): Promise<T> => {
    const parts = await ec2.get();
    return valueOf(await caller.call({ call, repeatable: true }, async (signal) => run(parts, signal)));
  };
  const valueOf = <T>(result: CallResult<T>): T => {
    if (!result.ok) throw errorOf(result.fault, region);
    return result.value;
  };

  const describeGroups = async (
    input: { readonly AutoScalingGroupNames?: string[]; readonly Filters?: { Name: string; Values: string[] }[] },
    signal: AbortSignal | undefined,
  ): Promise<readonly AsgFacts[]> => {
    const groups: AsgFacts[] = [];
    let token: string | undefined;
    do {
      const page: { MaxRecords: number; NextToken?: string } = {
        MaxRecords: groupsPerCall,
        ...(token === undefined ? {} : { NextToken: token }),
      };
      const facts = { call: 'DescribeAutoScalingGroups', repeatable: true, signal };
      const answer = valueOf(
        await onScaling(facts, async ({ sdk, client }, abortSignal) =>
          client.send(new sdk.DescribeAutoScalingGroupsCommand({ ...input, ...page }), { abortSignal }),
        ),
      );
      groups.push(...(answer.AutoScalingGroups ?? []).map(factsOfAsg));
      token = answer.NextToken === '' ? undefined : answer.NextToken;
    } while (token !== undefined);
    return groups;
  };

  return {
    get region() {
      return region;
    },
    groupsByName: async (names, signal) => {
      const groups: AsgFacts[] = [];
      for (const part of chunks(names, groupsPerCall)) groups.push(...(await describeGroups({ AutoScalingGroupNames: part }, signal)));
      return groups;
    },
    groupsByTags: async (filters, signal) =>
      filters.length === 0
        ? []
        : describeGroups({ Filters: filters.map(({ name, values }) => ({ Name: name, Values: [...values] })) }, signal),
    activities: async (group, signal) => {
      const facts = { call: 'DescribeScalingActivities', group, repeatable: true, signal };
      const answer = valueOf(
        await onScaling(facts, async ({ sdk, client }, abortSignal) =>
          client.send(new sdk.DescribeScalingActivitiesCommand({ AutoScalingGroupName: group }), { abortSignal }),
        ),
      );
      return (answer.Activities ?? []).map((activity) => ({
        status: activity.StatusCode ?? '',
        startedAt: activity.StartTime?.getTime() ?? 0,
        description: activity.Description,
        message: activity.StatusMessage,
      }));
    },
    setDesiredCapacity: async (group, size, { once: tried } = {}) =>
      onScaling({ call: 'SetDesiredCapacity', group, repeatable: true, once: tried }, async ({ sdk, client }, abortSignal) => {
        const input = { AutoScalingGroupName: group, DesiredCapacity: size, HonorCooldown: false };
        await client.send(new sdk.SetDesiredCapacityCommand(input), { abortSignal });
      }),
    terminate: async (group, instance) =>
      // Not repeatable: a second call could lower the capacity once more.
      onScaling({ call: 'TerminateInstanceInAutoScalingGroup', group, repeatable: false }, async ({ sdk, client }, abortSignal) => {
        const input = { InstanceId: instance, ShouldDecrementDesiredCapacity: true };
        await client.send(new sdk.TerminateInstanceInAutoScalingGroupCommand(input), { abortSignal });
      }),
    launchConfigurations: async (names) => {
      const types = new Map<string, string>();
      for (const part of chunks(names, configurationsPerCall)) {
        const input = { LaunchConfigurationNames: part, MaxRecords: configurationsPerCall };
        const answer = valueOf(
          await onScaling({ call: 'DescribeLaunchConfigurations', repeatable: true }, async ({ sdk, client }, abortSignal) =>
            client.send(new sdk.DescribeLaunchConfigurationsCommand(input), { abortSignal }),
          ),
        );
        for (const { LaunchConfigurationName: name, InstanceType: type } of answer.LaunchConfigurations ?? []) {
          if (name !== undefined && type !== undefined) types.set(name, type);
        }
      }
      return types;
    },
    launchTemplate: async ({ id, name, version }) => {
      const which = id === undefined ? { LaunchTemplateName: name } : { LaunchTemplateId: id };
      const answer = await onEc2('DescribeLaunchTemplateVersions', async ({ sdk, client }, abortSignal) =>
        client.send(new sdk.DescribeLaunchTemplateVersionsCommand({ ...which, Versions: [version] }), { abortSignal }),
      );
      const data = answer.LaunchTemplateVersions?.[0]?.LaunchTemplateData;
      if (data === undefined) return undefined;
      return {
        instanceType: data.InstanceType,
        imageId: data.ImageId,
        requirements: data.InstanceRequirements as InstanceRequirementsFacts | undefined,
      };
    },
    typesFor: async (requirements, imageId) => {
      const images = await onEc2('DescribeImages', async ({ sdk, client }, abortSignal) =>
        client.send(new sdk.DescribeImagesCommand({ ImageIds: [imageId] }), { abortSignal }),
      );
      const [image] = images.Images ?? [];
      if (image?.Architecture === undefined || image.VirtualizationType === undefined) return [];
      const input = {
        ArchitectureTypes: [image.Architecture],
        VirtualizationTypes: [image.VirtualizationType],
        InstanceRequirements: requirementsRequest(requirements) as unknown as InstanceRequirementsRequest,
      };
      // The first page is enough: the first type stands for all.
      const answer = await onEc2('GetInstanceTypesFromInstanceRequirements', async ({ sdk, client }, abortSignal) =>
        // EC2 and Auto Scaling name architectures alike, but each in a type of its own.
        client.send(new sdk.GetInstanceTypesFromInstanceRequirementsCommand(input as RequirementsInput), { abortSignal }),
      );
      return (answer.InstanceTypes ?? []).flatMap(({ InstanceType }) => InstanceType ?? []);
    },
    instanceTypes: async (names) => {
      const types = new Map<string, InstanceTypeFacts>();
      for (const part of chunks(names, typesPerCall)) for (const type of await describeTypes(part)) types.set(type.name, type);
      return types;
    },
    close: () => {
      scaling.done()?.client.destroy();
      ec2.done()?.client.destroy();
    },
  };

  async function describeTypes(names: readonly string[]): Promise<readonly InstanceTypeFacts[]> {
    const parts = await ec2.get();
    let wanted = names;
    const types: InstanceTypeFacts[] = [];
    let token: string | undefined;
    while (wanted.length > 0) {
      const input = { InstanceTypes: wanted as _InstanceType[], ...(token === undefined ? {} : { NextToken: token }) };
      const result = await caller.call({ call: 'DescribeInstanceTypes', repeatable: true }, async (abortSignal) =>
        parts.client.send(new parts.sdk.DescribeInstanceTypesCommand(input), { abortSignal }),
      );
      if (!result.ok) {
        // One unknown name spoils the whole question; AWS says which: "… do not exist: [m9.large, m9.xlarge]".
        const rest = result.fault.code === 'InvalidInstanceType' ? withoutNamed(wanted, result.fault.message) : wanted;
        if (rest.length === wanted.length) throw errorOf(result.fault, region);
        wanted = rest;
        continue;
      }
      for (const type of result.value.InstanceTypes ?? []) types.push(...[factsOfType(type)].filter((facts) => facts !== undefined));
      token = result.value.NextToken === '' ? undefined : result.value.NextToken;
      if (token === undefined) break;
    }
    return types;
  }
}

type RequirementsInput = ConstructorParameters<Ec2Sdk['GetInstanceTypesFromInstanceRequirementsCommand']>[0];

interface ScalingParts {
  readonly sdk: AutoScalingSdk;
  readonly client: AutoScalingClient;
}

interface Ec2Parts {
  readonly sdk: Ec2Sdk;
  readonly client: EC2Client;
}

/** The SDK's own retries are off: they wait in real time and know nothing of each other. */
function clientConfig({ region, endpoint, client }: AwsApiOptions): Readonly<Record<string, unknown>> {
  return { maxAttempts: 1, ...(region === undefined ? {} : { region }), ...(endpoint === undefined ? {} : { endpoint }), ...client };
}

function withoutNamed(names: readonly string[], message: string): readonly string[] {
  const named = new Set((/\[([^\]]*)\]/.exec(message)?.[1] ?? '').split(',').map((name) => name.trim()));
  return names.filter((name) => !named.has(name));
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
}

/** Makes it at the first `get`; a failure is not kept. `done` answers it only when it is there. */
function once<T>(make: () => Promise<T>): { get(): Promise<T>; done(): T | undefined } {
  let made: T | undefined;
  let making: Promise<T> | undefined;
  return {
    get: () =>
      (making ??= make().then(
        (value) => (made = value),
        (error: unknown) => {
          making = undefined;
          throw error;
        },
      )),
    done: () => made,
  };
}
