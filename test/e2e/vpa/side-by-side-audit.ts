import type { AuditRecord } from '../audit.ts';
import type { OwnCluster } from '../real-cluster.ts';
import type { Side, Stage } from './side-by-side-stage.ts';

export interface Written {
  /** Kinds of objects that each has written. */
  readonly written: { readonly theirs: readonly string[]; readonly ours: readonly string[] };
  /** What one of them has written of the other's objects, and what it was refused. */
  readonly trespasses: readonly string[];
}

/** What each has written; `handedOver`, epoch milliseconds, is when the objects changed hands. */
export async function audited({ theirs, ours }: Stage, { audit }: OwnCluster, handedOver: number): Promise<Written> {
  const records = (await audit?.records()) ?? [];
  const by = (user: string): readonly AuditRecord[] => records.filter((record) => record.user.username === user);
  const written = (user: string): readonly string[] => [...new Set(by(user).filter(writesVpas).map(whatOf))].toSorted();
  const trespassesOf = (user: string, [before, after]: readonly [Side, Side]): readonly string[] =>
    by(user).flatMap((record) => {
      const text = `${user} ${whatOf(record)} ${record.objectRef?.name ?? ''}`;
      if (record.responseStatus?.code === 403) return [`${text}: refused`];
      // The name of a checkpoint that is created is in its body.
      const name = writesVpas(record) ? record.objectRef?.name : undefined;
      const own = Date.parse(record.requestReceivedTimestamp) < handedOver ? before : after;
      return name === undefined || name.includes(`.${own}`) ? [] : [text];
    });
  return {
    written: { theirs: written(theirs.user), ours: written(ours.user) },
    trespasses: [...trespassesOf(theirs.user, ['first-theirs', 'first-ours']), ...trespassesOf(ours.user, ['first-ours', 'first-theirs'])],
  };
}

function writesVpas({ objectRef, verb }: AuditRecord): boolean {
  return objectRef?.apiGroup === 'autoscaling.k8s.io' && ['create', 'update', 'patch', 'delete'].includes(verb);
}

/** `patch verticalpodautoscalers/status`. */
function whatOf({ verb, objectRef }: AuditRecord): string {
  const { resource = '', subresource } = objectRef ?? {};
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}
