/** Provider ids of AWS, and whether a node's instance is still there (§16). Pure. */

export const placeholderPrefix = 'i-placeholder';

const instancePattern = /^aws:\/\/\/[-0-9a-z]*\/([-0-9a-z]*)(?:\/[-0-9a-z.]*)?$/;
// A placeholder carries the group's name, in which everything may stand.
const placeholderPattern = /^aws:\/\/\/[-0-9a-z]*\/(i-placeholder.*)$/s;

/** The instance of `aws:///<zone>/<instance>`; `undefined` for an id that is not of this form. */
export function instanceOfProviderId(id: string): string | undefined {
  return (placeholderPattern.exec(id) ?? instancePattern.exec(id))?.[1];
}

export function providerIdOf(zone: string, instance: string): string {
  return `aws:///${zone}/${instance}`;
}

/** The n-th instance that was asked for and is not there. */
export function placeholderName(group: string, index: number): string {
  return `${placeholderPrefix}-${group}-${index}`;
}

export function isPlaceholder(instance: string): boolean {
  return instance.startsWith(placeholderPrefix);
}

/** Whether the cloud has a node's instance, as upstream answers; with a problem nothing is certain and the deletion taint decides. */
export interface Presence {
  readonly present: boolean;
  readonly problem?: 'not implemented' | 'not present' | 'wrong id' | undefined;
}

export interface PresenceQuestion {
  readonly name: string;
  readonly providerId: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Fargate nodes have no instance and are taken to be there; a node may opt out of the question by annotation. */
export function presenceOf(node: PresenceQuestion, known: (providerId: string) => boolean): Presence {
  if (node.name.startsWith('fargate')) return { present: true, problem: 'not implemented' };
  if (node.annotations['k8s.io/cluster-autoscaler-enabled'] === 'false') return { present: false };
  if (instanceOfProviderId(node.providerId) === undefined) return { present: false, problem: 'wrong id' };
  return known(node.providerId) ? { present: true } : { present: false, problem: 'not present' };
}
