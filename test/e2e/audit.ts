import { readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';

/** One line of the API server's audit log, as far as tests read it. */
export interface AuditRecord {
  readonly level: 'Metadata' | 'Request' | 'RequestResponse';
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  /** The authenticated user; with impersonation still the real one. */
  readonly user: { readonly username: string; readonly groups?: readonly string[] };
  readonly impersonatedUser?: { readonly username: string; readonly groups?: readonly string[] };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code: number };
  /** Present for the resources that the policy logs with their body. */
  readonly requestObject?: unknown;
  readonly requestReceivedTimestamp: string;
}

export interface AuditFilter {
  readonly verbs?: readonly string[];
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Matches the impersonated user if there is one, else the real one. */
  readonly user?: string;
  /** Only answers below 300. */
  readonly successful?: boolean;
}

/** The proof of "exactly one writer": every mutating request that reached the API server, in order of completion. */
export interface AuditLog {
  readonly file: string;
  /** Everything logged so far. The log is written before the answer leaves, so a request that has returned is in it. */
  records(): Promise<AuditRecord[]>;
  auditWrites(filter?: AuditFilter): Promise<AuditRecord[]>;
}

// First match wins; a policy can't match the user agent, so that is filtered when reading.
const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['system:kube-scheduler', 'system:apiserver'] },
    { level: 'None', resources: [{ group: '', resources: ['pods/status', 'nodes/status', 'pods/binding', 'serviceaccounts/token'] }] },
    {
      level: 'None',
      resources: [
        { group: 'coordination.k8s.io', resources: ['leases'] },
        { group: '', resources: ['events'] },
        { group: 'events.k8s.io', resources: ['events'] },
      ],
    },
    {
      level: 'Request',
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
      resources: [
        { group: 'apps', resources: ['*/scale', 'deployments', 'statefulsets'] },
        { group: '', resources: ['pods/resize', 'pods/eviction', 'nodes'] },
        { group: 'autoscaling', resources: ['*'] },
        { group: 'autoscaling.k8s.io', resources: ['*'] },
        { group: 'concertina.dev', resources: ['*'] },
      ],
    },
    { level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
    // Reads too of what is installed by `deploy/`: that nothing of it is refused is the proof of its roles.
    { level: 'Metadata', userGroups: ['system:serviceaccounts:concertina-system'] },
    { level: 'None' },
  ],
} as const;

export async function writeAuditPolicy(file: string): Promise<void> {
  await writeFile(file, stringify(policy));
}

export function openAuditLog(file: string): AuditLog {
  const records = async (): Promise<AuditRecord[]> => {
    const text = await readFile(file, 'utf8').catch(() => '');
    // A line without its newline is still being written.
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditRecord);
  };
  return {
    file,
    records,
    auditWrites: async (filter = {}) =>
      (await records()).filter((record) => record.stage === 'ResponseComplete' && matches(record, filter)),
  };
}

const writeVerbs: readonly string[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

function matches(record: AuditRecord, filter: AuditFilter): boolean {
  const { verbs, successful, user, ...reference } = filter;
  if (!(verbs ?? writeVerbs).includes(record.verb)) return false;
  if (user !== undefined && user !== (record.impersonatedUser?.username ?? record.user.username)) return false;
  if (successful === true && (record.responseStatus?.code ?? 500) >= 300) return false;
  const got: Readonly<Record<string, unknown>> = { ...record.objectRef };
  return Object.entries(reference).every(([field, wanted]) => wanted === undefined || wanted === got[field]);
}
