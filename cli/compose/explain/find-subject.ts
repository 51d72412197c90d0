import type { KubeObject } from '../../../core/model/object.ts';
import { editDistance } from '../../../core/runtime/nearest.ts';
import { foreign } from '../doctor/foreign-text.ts';

/** What somebody wants explained. */
export interface Wanted {
  /** In lower case, singular; `undefined`: any. */
  readonly kind: string | undefined;
  readonly name: string;
  /** As it was written. */
  readonly text: string;
}

/** Short and plural names, as kubectl knows them. */
const kindNames: Readonly<Record<string, string>> = {
  npol: 'nodepoolpolicy',
  nodepoolpolicies: 'nodepoolpolicy',
  po: 'pod',
  pods: 'pod',
  no: 'node',
  nodes: 'node',
  hpol: 'horizontalpolicy',
  horizontalpolicies: 'horizontalpolicy',
  hpa: 'horizontalpodautoscaler',
  vpol: 'verticalpolicy',
  verticalpolicies: 'verticalpolicy',
  vpa: 'verticalpodautoscaler',
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  cj: 'cronjob',
  rs: 'replicaset',
  rc: 'replicationcontroller',
};

/** Reads `KIND/NAME` or `NAME`; `undefined` for anything else. */
export function readWanted(text: string): Wanted | undefined {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  // A name of the API server's: lower case, and nothing that a path or a terminal would read.
  if (parts.length > 2 || !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return undefined;
  if (parts.length === 1) return { kind: undefined, name, text };
  const [written = ''] = (parts[0] ?? '').toLowerCase().split('.', 1);
  if (!/^[a-z][a-z0-9]*$/.test(written)) return undefined;
  return { kind: kindNames[written] ?? written, name, text };
}

export type Found =
  | { readonly ok: true; readonly policies: readonly KubeObject[]; readonly namespace: string }
  /** `ambiguous`: the words do not say which; `missing`: there is none. */
  | { readonly ok: false; readonly why: 'ambiguous' | 'missing'; readonly problem: string };

/**
 * The policies that are meant: by their own name first, then by the name of what they scale or size. Several are meant together when they are in one namespace, since
 * then they stand in each other's way.
 */
export function findSubject(policies: readonly KubeObject[], wanted: Wanted, namespace: string | undefined): Found {
  const here = policies.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  const own = here.filter((policy) => policy.metadata.name === wanted.name && isKind(policy.kind ?? '', wanted));
  const found = own.length > 0 ? own : here.filter((policy) => scales(policy, wanted));
  const namespaces = [...new Set(found.map(({ metadata }) => metadata.namespace ?? ''))].toSorted();
  const [only] = namespaces;
  if (only === undefined) return { ok: false, why: 'missing', problem: missingText(policies, here, wanted, namespace) };
  if (namespaces.length > 1) {
    return {
      ok: false,
      why: 'ambiguous',
      problem: `"${wanted.text}" is in ${namespaces.length} namespaces (${shortList(namespaces)}); name one with --namespace`,
    };
  }
  return { ok: true, policies: found, namespace: only };
}

function isKind(kind: string, { kind: wanted }: Wanted): boolean {
  const known = kind.toLowerCase();
  return wanted === undefined || known === wanted || `${known}s` === wanted || `${known}es` === wanted;
}

interface RawReference {
  readonly kind?: unknown;
  readonly name?: unknown;
}

/** What a policy scales, or sizes. */
function targetOf({ spec }: KubeObject): { readonly kind: string; readonly name: string } {
  const { scaleTargetRef, targetRef } = (spec ?? {}) as {
    readonly scaleTargetRef?: RawReference | null;
    readonly targetRef?: RawReference | null;
  };
  const { kind, name } = scaleTargetRef ?? targetRef ?? {};
  return { kind: typeof kind === 'string' ? kind : '', name: typeof name === 'string' ? name : '' };
}

function scales(policy: KubeObject, wanted: Wanted): boolean {
  const { kind, name } = targetOf(policy);
  return name === wanted.name && isKind(kind, wanted);
}

const policyKinds: ReadonlySet<string> = new Set([
  'horizontalpolicy',
  'horizontalpodautoscaler',
  'verticalpolicy',
  'verticalpodautoscaler',
]);

function missingText(all: readonly KubeObject[], here: readonly KubeObject[], wanted: Wanted, namespace: string | undefined): string {
  const place = namespace === undefined ? 'in any namespace' : `in namespace ${foreign(namespace, 80)}`;
  const isPolicy = wanted.kind !== undefined && policyKinds.has(wanted.kind);
  const what =
    isPolicy || wanted.kind === undefined
      ? `there is no policy${wanted.kind === undefined ? ' and no scaled workload' : ''} "${wanted.text}" ${place}`
      : `no policy and no native autoscaler scales or sizes "${wanted.text}" ${place}`;
  const elsewhere = namespace === undefined ? undefined : findSubject(all, wanted, undefined);
  if (elsewhere?.ok === true) return `${what}; it is in namespace ${elsewhere.namespace}`;
  const near = nearNames(here, wanted);
  if (near.length > 0) return `${what}; did you mean ${near.join(' or ')}?`;
  const known = [...new Set(here.map(shownName))].toSorted();
  return known.length === 0 ? `${what}; there are none at all` : `${what}; there are ${shortList(known)}`;
}

const mostNames = 3;

/** Policies and workloads whose names are a few letters away, the nearest first. */
function nearNames(policies: readonly KubeObject[], { name }: Wanted): string[] {
  const farthest = Math.max(2, Math.floor(name.length / 3));
  const candidates = policies.flatMap((policy) => {
    const target = targetOf(policy);
    const place = policy.metadata.namespace ?? '';
    return [
      { text: shownName(policy), distance: editDistance(name, policy.metadata.name) },
      // Said only where the policy has another name than what it scales.
      ...(target.name === policy.metadata.name
        ? []
        : [{ text: foreign(`${target.kind} ${place}/${target.name}`, 160), distance: editDistance(name, target.name) }]),
    ];
  });
  const near = candidates.filter(({ distance }) => distance <= farthest);
  const sorted = near.toSorted((a, b) => a.distance - b.distance || (a.text < b.text ? -1 : Number(a.text > b.text)));
  return [...new Set(sorted.map(({ text }) => text))].slice(0, mostNames);
}

function shownName({ kind = 'HorizontalPolicy', metadata }: KubeObject): string {
  return foreign(`${kind} ${metadata.namespace ?? ''}/${metadata.name}`, 160);
}

function shortList(names: readonly string[]): string {
  const most = 5;
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
