import { matchingTypes, type Requirements } from '../instance-types/requirements.ts';
import type { InstanceType } from '../instance-types/types.ts';
import type { Account } from './account.ts';
import type { Group, InstanceSource, LaunchTemplateData, Market, MixedInstancesPolicy, Override, TemplateReference } from './model.ts';
import { versionOf } from './launch-templates.ts';

/** One type that a group may launch. */
export interface LaunchOption {
  readonly type: InstanceType;
  readonly weight: number;
  readonly weighted: boolean;
  readonly imageId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly source: InstanceSource;
}

/** What a group launches, in the order of its strategy; or why it cannot launch anything, in the words of its activity. */
export type LaunchOptions =
  | { readonly ok: true; readonly mixed: boolean; readonly spot: boolean; readonly options: readonly LaunchOption[] }
  | { readonly ok: false; readonly message: string };

/** Resolved anew for each launch: `$Latest` may have moved. */
export function launchOptions(account: Account, { source }: Group): LaunchOptions {
  if (source.kind === 'configuration') {
    const configuration = account.configurations.get(source.name);
    if (configuration === undefined) return refused(`The launch configuration ${source.name} does not exist`);
    const { imageId, instanceType, spotPrice } = configuration;
    const option = optionOf(account, { instanceType }, { imageId }, { kind: 'configuration', name: source.name });
    return typeof option === 'string' ? refused(option) : { ok: true, mixed: false, spot: spotPrice !== undefined, options: option };
  }
  if (source.kind === 'mixed') return mixedOptions(account, source.policy);
  const found = resolve(account, source.template);
  if (typeof found === 'string') return refused(found);
  const option = optionOf(account, {}, found.data, found.source);
  return typeof option === 'string' ? refused(option) : { ok: true, mixed: false, spot: found.data.spot === true, options: option };
}

function mixedOptions(account: Account, policy: MixedInstancesPolicy): LaunchOptions {
  const options: LaunchOption[] = [];
  for (const override of policy.overrides.length === 0 ? [{}] : policy.overrides) {
    const found = resolve(account, override.template ?? policy.template);
    if (typeof found === 'string') return refused(found);
    const more = optionOf(account, override, found.data, found.source);
    if (typeof more === 'string') return refused(more);
    options.push(...more);
  }
  return { ok: true, mixed: true, spot: false, options };
}

function resolve(
  account: Account,
  reference: TemplateReference,
): { readonly data: LaunchTemplateData; readonly source: InstanceSource } | string {
  const template = account.template(reference);
  if (template === undefined) return `The specified launch template, with template ${reference.id ?? reference.name}, does not exist`;
  const version = versionOf(template, reference.version);
  if (version === undefined) return `Could not find launch template version ${reference.version ?? '$Default'} of ${template.name}`;
  return { data: version.data, source: { kind: 'template', id: template.id, name: template.name, version: version.number } };
}

function optionOf(
  account: Account,
  override: Override,
  data: LaunchTemplateData,
  source: InstanceSource,
): readonly LaunchOption[] | string {
  const { imageId } = data;
  if (imageId === undefined) return 'You must specify an image id in the launch template';
  const image = account.images.find(({ id }) => id === imageId);
  if (image === undefined) return `The image id '[${imageId}]' does not exist`;
  const common = { weight: override.weight ?? 1, weighted: override.weight !== undefined, imageId, tags: data.tags ?? {}, source };
  const requirements = override.requirements ?? (override.instanceType === undefined ? data.requirements : undefined);
  if (requirements !== undefined) return byRequirements(account, requirements, image.architecture).map((type) => ({ ...common, type }));
  const name = override.instanceType ?? data.instanceType;
  const type = name === undefined ? undefined : account.typesByName.get(name);
  if (type === undefined) return `Invalid value '${name ?? ''}' for InstanceType`;
  if (type.arch !== image.architecture) {
    return `The architecture '${type.arch}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again`;
  }
  return [{ ...common, type }];
}

/** Cheapest first: attribute-based selection goes by price for on-demand. */
function byRequirements(account: Account, requirements: Requirements, arch: InstanceType['arch']): readonly InstanceType[] {
  const types = matchingTypes(account.instanceTypes, requirements).filter((type) => type.arch === arch);
  return types.toSorted((a, b) => a.price - b.price);
}

interface OrderContext {
  readonly account: Account;
  readonly group: Group;
  readonly zone: string;
  readonly market: Market;
}

/** The options in the order in which the group's strategy tries them in this zone. */
export function inOrder(options: readonly LaunchOption[], { account, group, zone, market }: OrderContext): readonly LaunchOption[] {
  if (group.source.kind !== 'mixed' || options.length < 2) return options;
  const { onDemandAllocation, spotAllocation } = group.source.policy;
  const price = ({ type, weight }: LaunchOption): number => type.price / weight;
  const stock = ({ type }: LaunchOption): number => account.capacity.available({ type: type.name, zone, market });
  // Sorting is stable: the order of the overrides decides between equals.
  const byPrice = (): readonly LaunchOption[] => options.toSorted((a, b) => price(a) - price(b));
  if (market === 'on-demand') return onDemandAllocation === 'lowest-price' ? byPrice() : options;
  if (spotAllocation === 'lowest-price' || spotAllocation === 'price-capacity-optimized') return byPrice();
  return options.toSorted((a, b) => compareStock(stock(b), stock(a)));
}

/** Infinity minus Infinity is no number. */
function compareStock(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

function refused(message: string): LaunchOptions {
  return { ok: false, message };
}
