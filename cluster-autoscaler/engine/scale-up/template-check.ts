import type { GroupRefusal } from '../loop/model.ts';
import type { ClassId, SchedulingSnapshot } from '../scheduling/snapshot.ts';
import type { Candidate } from './eligibility.ts';

/** Which classes fit an empty node of which group, beside the cluster as it is (§8.3). */
export interface TemplateCheck {
  fits(candidate: Candidate, podClass: ClassId): boolean;
  /** Whether any candidate takes the class. */
  fitsAny(podClass: ClassId): boolean;
  /** Why none of the candidates takes the class, one entry each. Only for classes that none takes. */
  refusals(podClass: ClassId): readonly GroupRefusal[];
}

/** The name of the node that stands for the group while its template is looked at. */
const checkedNode = 'template-node';

/** Looks at every class on a copy of every template. The snapshot is left as it was. */
export function checkTemplates(snapshot: SchedulingSnapshot, candidates: readonly Candidate[], classes: readonly ClassId[]): TemplateCheck {
  const taken = new Map<string, ReadonlySet<ClassId>>();
  const any = new Set<ClassId>();
  for (const candidate of candidates) {
    const fitting = new Set<ClassId>();
    onTemplate(snapshot, candidate, (node) => {
      for (const podClass of classes) if (snapshot.fits(podClass, node)) fitting.add(podClass);
    });
    for (const podClass of fitting) any.add(podClass);
    taken.set(candidate.id, fitting);
  }
  let refusals: ReadonlyMap<ClassId, readonly GroupRefusal[]> | undefined;
  return {
    fits: ({ id }, podClass) => taken.get(id)?.has(podClass) === true,
    fitsAny: (podClass) => any.has(podClass),
    refusals: (podClass) => {
      refusals ??= explain(
        snapshot,
        candidates,
        classes.filter((each) => !any.has(each)),
      );
      return refusals.get(podClass) ?? [];
    },
  };
}

function explain(
  snapshot: SchedulingSnapshot,
  candidates: readonly Candidate[],
  classes: readonly ClassId[],
): ReadonlyMap<ClassId, readonly GroupRefusal[]> {
  const refusals = new Map<ClassId, GroupRefusal[]>(classes.map((podClass) => [podClass, []]));
  if (classes.length === 0) return refusals;
  for (const candidate of candidates) {
    onTemplate(snapshot, candidate, (node) => {
      for (const podClass of classes) {
        const failure = snapshot.failure(podClass, node);
        if (failure !== undefined) refusals.get(podClass)?.push({ group: candidate.id, reason: failure.reason, failure });
      }
    });
  }
  return refusals;
}

function onTemplate(snapshot: SchedulingSnapshot, { template, id }: Candidate, look: (node: number) => void): void {
  snapshot.fork();
  look(snapshot.addCopy(template, `${checkedNode}-${id}`));
  snapshot.revert();
}
