import { matchesSelector } from '../../core/model/selector.ts';
import type { SizingPolicy } from '../model.ts';
import type { KnownPolicy, TargetResolution, TargetResolver } from '../ports.ts';

/** The rule of {@link TargetResolver.controlling}, for targets that are resolved like this. */
export function controllingPolicy(resolve: (policy: SizingPolicy) => TargetResolution): TargetResolver['controlling'] {
  return ({ namespace, labels, topmost: { kind, name } }, book) => {
    let strongest: KnownPolicy | undefined;
    for (const known of book.forTarget(namespace, kind, name)) {
      const resolution = resolve(known.policy);
      if (resolution.state !== 'known' || !matchesSelector(resolution.selector, labels)) continue;
      if (strongest === undefined || isStronger(known, strongest)) strongest = known;
    }
    return strongest;
  };
}

/** As upstream: the earliest created, then the smallest name; a VerticalPolicy before a native object of the same name. */
function isStronger({ policy: a }: KnownPolicy, { policy: b }: KnownPolicy): boolean {
  const [createdA, createdB] = [a.created ?? Infinity, b.created ?? Infinity];
  if (createdA !== createdB) return createdA < createdB;
  if (a.reference.name !== b.reference.name) return a.reference.name < b.reference.name;
  return !a.native && b.native;
}
