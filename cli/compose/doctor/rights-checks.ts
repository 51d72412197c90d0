import type { KubeClient } from '../../../core/kube/index.ts';
import { fail, ok, skipped, warn, type Check } from './check.ts';
import { askRight, type AccessAnswer } from './access-review.ts';
import { someAtOnce } from './reading.ts';
import type { Right } from './rights-table.ts';
import type { RightsSubject } from './whose-rights.ts';

/** A right with what the API server says of each of its verbs, in their order. */
export interface AskedRight {
  readonly right: Right;
  readonly answers: readonly AccessAnswer[];
}

const atOnce = 8;

export async function askRights(client: KubeClient, rights: readonly Right[], ownNamespace: string): Promise<readonly AskedRight[]> {
  const questions = rights.flatMap((right) => right.verbs.map((verb) => ({ right, verb })));
  const answers = await someAtOnce(questions, atOnce, ({ right, verb }) => {
    const { group, resource, name, where } = right;
    return askRight(client, { verb, group, resource, name, namespace: namespaceOf(where, ownNamespace) });
  });
  return rights.map((right) => ({ right, answers: answers.filter((_, index) => questions[index]?.right === right) }));
}

function namespaceOf(where: Right['where'], own: string): string | undefined {
  if (where === 'cluster') return undefined;
  return where === 'own' ? own : where.namespace;
}

/** One line for each right; all that are granted for one resource are one line. */
export function judgeRights(asked: readonly AskedRight[], subject: Pick<RightsSubject, 'who' | 'decisive' | 'namespace'>): Check[] {
  return asked.map((each) => judgeRight(each, subject));
}

function judgeRight(
  { right, answers }: AskedRight,
  { who, decisive, namespace }: Pick<RightsSubject, 'who' | 'decisive' | 'namespace'>,
): Check {
  const { verbs, resource, group, need, purpose, name, grantedBy = 'deploy/kustomize/base/rbac.yaml' } = right;
  const full = `${group === '' ? resource : qualified(resource, group)}${name === undefined ? '' : ` "${name}"`}`;
  const check = `rbac/${group === '' ? resource : qualified(resource, group)}`;
  const where = namespaceOf(right.where, namespace);
  const place = where === undefined ? 'cluster-wide' : `in namespace ${where}`;
  const denied = verbs.filter((_, index) => answers[index] === 'no');
  const values = { group, resource, verbs, denied, name, namespace: where, of: who };
  const problem = answers.find((answer) => typeof answer === 'object');
  if (problem !== undefined) return skipped(check, `whether ${who} may ${words(verbs)} ${full} is not known: ${problem.problem}`, values);
  if (denied.length === 0) return ok(check, `${who} may ${words(verbs)} ${full} ${place}`, values);
  const bad = need === 'always' && decisive ? fail : warn;
  return bad(
    check,
    `${who} may not ${words(denied, 'or')} ${full} ${place}, needed for ${purpose}; apply ${grantedBy} or grant it`,
    values,
  );
}

/** `deployments.apps/scale`. */
function qualified(resource: string, group: string): string {
  const [plural = '', subresource] = resource.split('/', 2);
  return `${plural}.${group}${subresource === undefined ? '' : `/${subresource}`}`;
}

function words(list: readonly string[], last = 'and'): string {
  const [end = ''] = list.slice(-1);
  return list.length < 2 ? end : `${list.slice(0, -1).join(', ')} ${last} ${end}`;
}
