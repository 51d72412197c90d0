import type { JsonSchema } from '../../../core/kube/crd-schema.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { fail, listed, ok, warn, type Check } from './check.ts';
import { unreadLine, type Reading } from './reading.ts';
import { schemaDifference } from './schema-difference.ts';

interface RawVersion {
  readonly name?: string;
  readonly served?: boolean;
  readonly storage?: boolean;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: { readonly status?: unknown };
}

interface RawCrd {
  readonly names?: { readonly kind?: string };
  readonly versions?: readonly RawVersion[];
}

const remedy = 'apply deploy/crds of this version with `kubectl apply --server-side -f deploy/crds`';

/** One line for each CRD of this build: whether the cluster has it, and in the same shape. */
export function judgeCrd(built: KubeObject, installed: Reading<KubeObject>): Check {
  const { name } = built.metadata;
  const check = `crd/${name}`;
  if (!installed.ok) {
    if (installed.kind === 'absent') return fail(check, `CustomResourceDefinition ${name} is not installed; ${remedy}`);
    return unreadLine(check, `CustomResourceDefinition ${name}`, installed);
  }
  const wanted = versionsOf(built)[0];
  const found = versionsOf(installed.value).find((version) => version.name === wanted?.name);
  const version = wanted?.name ?? '';
  if (found?.served !== true) return fail(check, `${name} is not served as ${version}; ${remedy}`, { version });
  if (!isEstablished(installed.value)) {
    return fail(check, `${name} is not established; \`kubectl describe crd ${name}\` says why`, { version });
  }
  // A kind that only keeps something (checkpoints) has none.
  const asks = wanted?.subresources?.status !== undefined;
  if (asks && found.subresources?.status === undefined) return fail(check, `${name} has no status subresource; ${remedy}`, { version });
  return judgeSchema(check, { name, version, found, wanted });
}

function judgeSchema(
  check: string,
  {
    name,
    version,
    found,
    wanted,
  }: { readonly name: string; readonly version: string; readonly found: RawVersion; readonly wanted: RawVersion | undefined },
): Check {
  const { missing, unknown, changed } = schemaDifference(found.schema?.openAPIV3Schema ?? {}, wanted?.schema?.openAPIV3Schema ?? {});
  const values = { version, missing, unknown, changed };
  if (missing.length > 0) {
    return fail(check, `${name} is of an older version: it drops ${listed(missing)} on every write; ${remedy}`, values);
  }
  if (unknown.length > 0) {
    return warn(
      check,
      `${name} is of a newer version than this program, which does not know ${listed(unknown)}; upgrade the program`,
      values,
    );
  }
  if (changed.length > 0)
    return warn(check, `${name} has other bounds or rules for ${listed(changed)} than this version; ${remedy}`, values);
  return ok(check, `${name} is installed as ${version}, with the fields of this version`, { version });
}

function versionsOf({ spec }: KubeObject): readonly RawVersion[] {
  return ((spec ?? {}) as RawCrd).versions ?? [];
}

function isEstablished({ status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] };
  return conditions.some(({ type, status: state }) => type === 'Established' && state === 'True');
}
