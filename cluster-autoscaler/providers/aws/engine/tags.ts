/** What the tags of an Auto Scaling group say of its nodes (§16). Pure. */
import { tryParseMilli } from '../../../../core/units/index.ts';
import type { ResourceList, Taint } from '../../../../core/model/index.ts';
import type { TextProblem } from '../../group-options.ts';

/** Tags of a group, of an EKS node group or of a launch template. */
export type Tags = Readonly<Record<string, string>>;

const template = 'k8s.io/cluster-autoscaler/node-template/';
const labelMarker = `${template}label/`;
const taintMarker = `${template}taint/`;
const resourceMarker = `${template}resources/`;
const optionMarker = `${template}autoscaling-options/`;
const eksMarker = 'eks:';
/** Ours: allocatable alone, for what the kubelet keeps to itself. */
const allocatableMarker = 'concertina.dev/node-template/allocatable/';

/** Labels: `…/label/<key>`, else what follows `eks:` in a key. Upstream looks for the marker anywhere in the key and takes what is up to a second one. */
export function labelsOfTags(tags: Tags): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(tags)) {
    const name = after(key, labelMarker) ?? after(key, eksMarker);
    if (name !== undefined && name !== '') labels[name] = value;
  }
  return labels;
}

const effects = ['NoSchedule', 'NoExecute', 'PreferNoSchedule'];
const withEffect = /:(?:NoSchedule|NoExecute|PreferNoSchedule)/;

/**
 * Taints: `…/taint/<key>` = `<value>:<effect>`. As upstream, an effect must stand somewhere behind a colon, and the first colon splits: `x:y:NoSchedule`
 * becomes an effect that the scheduler does not know. Such tags are reported.
 */
export function taintsOfTags(tags: Tags): { readonly taints: readonly Taint[]; readonly problems: readonly TextProblem[] } {
  const taints: Taint[] = [];
  const problems: TextProblem[] = [];
  for (const [tag, value] of Object.entries(tags)) {
    const key = after(tag, taintMarker);
    if (key === undefined) continue;
    if (!withEffect.test(value)) {
      problems.push({ key: tag, value, reason: 'is not <value>:<effect> with NoSchedule, NoExecute or PreferNoSchedule; ignored' });
      continue;
    }
    const colon = value.indexOf(':');
    const effect = value.slice(colon + 1);
    taints.push({ key, value: value.slice(0, colon), effect });
    if (!effects.includes(effect))
      problems.push({ key: tag, value, reason: `has the effect ${JSON.stringify(effect)}, which no pod minds` });
    if (key === '') problems.push({ key: tag, value, reason: 'names no taint key' });
  }
  return { taints, problems };
}

/** Resources in thousandths: `…/resources/<name>` = quantity. What is no quantity is left out and reported. */
export function resourcesOfTags(tags: Tags): { readonly resources: ResourceList; readonly problems: readonly TextProblem[] } {
  return quantitiesOf(tags, resourceMarker);
}

/** Our own tags `concertina.dev/node-template/allocatable/<name>`: allocatable without capacity, in thousandths. */
export function allocatableOfTags(tags: Tags): { readonly resources: ResourceList; readonly problems: readonly TextProblem[] } {
  return quantitiesOf(tags, allocatableMarker);
}

function quantitiesOf(tags: Tags, marker: string): { resources: ResourceList; problems: readonly TextProblem[] } {
  const resources: Record<string, number> = {};
  const problems: TextProblem[] = [];
  for (const [tag, value] of Object.entries(tags)) {
    const name = after(tag, marker);
    if (name === undefined || name === '') continue;
    const milli = tryParseMilli(value);
    if (milli === undefined) problems.push({ key: tag, value, reason: 'is not a quantity such as 100m or 20Gi; ignored' });
    else resources[name] = milli;
  }
  return { resources, problems };
}

/** Option texts by name: tags that begin with `…/autoscaling-options/`. */
export function optionTextsOfTags(tags: Tags): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [tag, value] of Object.entries(tags)) {
    const name = tag.startsWith(optionMarker) ? tag.slice(optionMarker.length) : '';
    if (name !== '' && !name.includes(optionMarker)) texts[name] = value;
  }
  return texts;
}

function after(key: string, marker: string): string | undefined {
  return key.split(marker)[1];
}
