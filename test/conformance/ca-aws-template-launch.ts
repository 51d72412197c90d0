import {
  buildTemplate,
  launchQuestion,
  meaningOfTemplate,
  typesOfAnswer,
  type InstanceRequirementsFacts,
  type InstanceTypeFacts,
  type LaunchTemplateData,
  type MixedPolicy,
} from '../../cluster-autoscaler/providers/aws/engine/index.ts';
import type { NodeTemplate } from '../../cluster-autoscaler/engine/model.ts';
import { createInterner } from '../../core/model/index.ts';
import {
  differ,
  quantities,
  sorted,
  type AwsCase,
  type AwsExpected,
  type LaunchCase,
  type LaunchData,
  type ShortRequirements,
  type TemplateCase,
} from './ca-aws-template-cases.ts';

/** Kind `template`. */
export function checkTemplate(given: AwsCase, asg: TemplateCase, expected: AwsExpected): readonly string[] {
  const managed = given.managedNodegroup ?? undefined;
  const answer = buildTemplate(
    {
      group: asg.name,
      zones: asg.availabilityZones,
      types: typesOf(asg),
      requirements: awsRequirements(asg.instanceRequirements),
      tags: given.tags ?? {},
      managed: managed && { labels: managed.labels ?? {}, taints: managed.taints ?? [], tags: managed.tags ?? {} },
      compat: 'cluster-autoscaler',
      mixedInstances: 'first',
    },
    createInterner(),
  );
  if ('problem' in answer || expected.error !== undefined) {
    return differ('error', 'problem' in answer, expected.error ?? false);
  }
  return differencesOf(answer.template, expected);
}

function typesOf({ instanceType: type }: TemplateCase): readonly InstanceTypeFacts[] {
  if (type === null || type === undefined) return [];
  return [{ ...type, gpu: type.gpu ?? 0, gpuManufacturer: '', architecture: type.architecture ?? 'amd64' }];
}

function differencesOf({ node, pods }: NodeTemplate, expected: AwsExpected): readonly string[] {
  const differences = [
    ...quantities('capacity', pick(node.capacity, expected.capacity), expected.capacity ?? {}),
    ...differ('labels', pick(node.labels, expected.labels), expected.labels ?? {}),
  ];
  if (expected.allocatableEqualsCapacity === true) differences.push(...differ('allocatable', node.allocatable, node.capacity));
  for (const name of expected.absentResources ?? []) if (name in node.capacity) differences.push(`resource ${name} is there`);
  for (const name of expected.absentLabels ?? []) if (name in node.labels) differences.push(`label ${name} is there`);
  if (expected.taints !== undefined) differences.push(...differ('taints', sorted(node.taints), sorted(expected.taints)));
  if (expected.templatePodsCpu !== undefined) {
    const cpu = pods.reduce((sum, pod) => sum + (pod.shape.requests['cpu'] ?? 0), 0);
    differences.push(...quantities('pods', { cpu }, { cpu: expected.templatePodsCpu }));
  }
  return differences;
}

/** The vectors' short names as AWS spells them. */
function awsRequirements(short: ShortRequirements | null | undefined): InstanceRequirementsFacts | undefined {
  if (short === null || short === undefined) return undefined;
  return {
    VCpuCount: { Min: short.vcpuMin, Max: short.vcpuMax },
    MemoryMiB: { Min: short.memoryMiBMin, Max: short.memoryMiBMax },
    AcceleratorCount: { Min: short.acceleratorCountMin, Max: short.acceleratorCountMax },
    AcceleratorManufacturers: short.acceleratorManufacturers,
    AcceleratorTypes: short.acceleratorTypes,
  };
}

const template = { name: 'template', version: '$Default' };

function mixedPolicy(policy: NonNullable<LaunchCase['mixedInstancesPolicy']>): MixedPolicy {
  return {
    launchTemplate: policy.launchTemplate && template,
    types: policy.instanceTypesOverrides ?? policy.instanceTypeOverrides ?? policy.overrides ?? [],
    requirements: awsRequirements(policy.instanceRequirementsOverrides),
  };
}

/** Kind `instance-type`: the type that stands for the group; `undefined` where there is none. */
export function typeOfLaunch(asg: LaunchCase): string | undefined {
  const policy = asg.mixedInstancesPolicy ?? undefined;
  const question = launchQuestion({
    launchConfiguration: asg.launchConfiguration ? 'configuration' : undefined,
    launchTemplate: asg.launchTemplate ? template : undefined,
    mixed: policy && mixedPolicy(policy),
  });
  if (question.ask === 'impossible') return undefined;
  if (question.ask === 'nothing') return question.types[0];
  if (question.ask === 'launch-configuration') return asg.launchConfiguration?.instanceType;
  const data = asg.launchTemplate ?? policy?.launchTemplate ?? {};
  return typeOfTemplate(data, question.requirements, policy?.ec2Answer ?? data.ec2Answer ?? []);
}

function typeOfTemplate(
  data: LaunchData,
  overriding: InstanceRequirementsFacts | undefined,
  ec2Answer: readonly string[],
): string | undefined {
  const facts: LaunchTemplateData = {
    instanceType: data.instanceType,
    imageId: data.imageId,
    requirements: awsRequirements(data.instanceRequirements),
  };
  const meaning = meaningOfTemplate(facts, overriding);
  if ('problem' in meaning) return undefined;
  if ('type' in meaning) return meaning.type;
  const answer = typesOfAnswer(ec2Answer);
  return 'problem' in answer ? undefined : answer.types[0];
}

function pick<T>(from: Readonly<Record<string, T>>, keys: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => keys !== undefined && key in keys));
}
