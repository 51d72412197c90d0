import type { KubeClient } from '../../../core/kube/index.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import { fail, ok, warn, type Check } from './check.ts';
import { askRight } from './access-review.ts';
import { readObject } from './reading.ts';

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** Whose rights are looked at. */
export interface RightsSubject {
  /** Asks in their name; `undefined` when nobody can. */
  readonly client: KubeClient | undefined;
  /** As a sentence begins: `concertina-system/concertina`, `you`. */
  readonly who: string;
  /** The program runs with them: what is missing fails it. */
  readonly decisive: boolean;
  /** Where the program runs. */
  readonly namespace: string;
  readonly line: Check;
}

/** Where `deploy/` installs the program. */
export const installedAs: ServiceAccountName = { namespace: 'concertina-system', name: 'concertina' };

const check = 'rbac/subject';

/** The ServiceAccount that is asked for, else that of `deploy/` when it exists and may be impersonated, else whoever asks. */
export async function chooseSubject(client: KubeClient, asked: ServiceAccountName | undefined): Promise<RightsSubject> {
  const account = asked ?? installedAs;
  const full = `${account.namespace}/${account.name}`;
  const common = { namespace: account.namespace };
  const [exists, may] = await Promise.all([readObject(client, resourceTypes.serviceAccounts, account), mayImpersonate(client, account)]);
  const own = { ...common, client, who: 'you' };
  if (exists.ok && may) {
    const impersonated = client.impersonate({ user: `system:serviceaccount:${account.namespace}:${account.name}` });
    const line = ok(check, `the rights of ServiceAccount ${full} are looked at, in its name`, { serviceAccount: full });
    return { ...common, client: impersonated, who: full, decisive: true, line };
  }
  if (asked !== undefined) return { ...common, client: undefined, who: full, decisive: true, line: cannot(full, exists) };
  if (!exists.ok && exists.kind === 'absent') {
    const line = ok(
      check,
      `your own rights are looked at, because there is no ServiceAccount ${full}; --as-service-account NAMESPACE/NAME names another`,
      {
        serviceAccount: null,
      },
    );
    return { ...own, decisive: true, line };
  }
  const why = exists.ok ? `you may not impersonate ServiceAccount ${full}` : `ServiceAccount ${full} cannot be read`;
  const line = warn(
    check,
    `your own rights are looked at, because ${why}; whether the program has its own, somebody with \`impersonate serviceaccounts\` can see`,
    {
      serviceAccount: null,
    },
  );
  return { ...own, decisive: false, line };
}

function cannot(full: string, exists: Awaited<ReturnType<typeof readObject>>): Check {
  if (exists.ok) {
    return fail(
      check,
      `the rights of ServiceAccount ${full} cannot be looked at: you may not impersonate it; ask for \`impersonate\` on serviceaccounts in its namespace`,
    );
  }
  if (exists.kind === 'absent') return fail(check, `there is no ServiceAccount ${full}; correct --as-service-account or create it`);
  return fail(check, `ServiceAccount ${full} cannot be read (${exists.message}); ask as somebody who may`);
}

async function mayImpersonate(client: KubeClient, { namespace, name }: ServiceAccountName): Promise<boolean> {
  const answer = await askRight(client, { verb: 'impersonate', group: '', resource: 'serviceaccounts', namespace, name });
  return answer === 'yes';
}
