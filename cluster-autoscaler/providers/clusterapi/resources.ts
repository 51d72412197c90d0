/** The objects of Cluster API, mirrored. */
import { ConcertinaError, isConcertinaError, messageOf } from '../../../core/errors.ts';
import { createReflector, isNotFound, type KubeClient, type Reflector } from '../../../core/kube/index.ts';
import type { Clock, KubeObject, Random, ResourceType } from '../../../core/model/index.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import {
  projectMachine,
  projectScalable,
  type InfrastructureFacts,
  type InfrastructureReference,
  type MachineRecord,
  type ScalableKind,
  type ScalableRecord,
} from './engine/index.ts';

export interface CapiResources {
  /** Starts the mirrors at the first call; throws `PROVIDER_UNREADABLE` while they are not there, or too old to act on. */
  ready(signal?: AbortSignal): Promise<void>;
  scalables(): readonly ScalableRecord[];
  machines(): readonly MachineRecord[];
  typeOf(kind: ScalableKind): ResourceType;
  readonly machineType: ResourceType;
  /** `status` of an infrastructure template; `undefined` when there is none or it says nothing. Throws what the client throws. */
  infrastructure(reference: InfrastructureReference): Promise<InfrastructureFacts | undefined>;
  close(): Promise<void>;
}

export interface CapiResourcesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly group: string;
  /** `CAPI_VERSION`; default: what the API server prefers. */
  readonly version?: string | undefined;
  /** Only this namespace; default all. */
  readonly namespace?: string | undefined;
}

/** Bookmarks come every minute: a mirror that heard nothing for longer than this is not one to delete machines by. */
const maximumAgeMs = 5 * 60_000;

const firstListingMs = 30_000;

const plurals: Readonly<Record<ScalableKind, string>> = {
  MachineDeployment: 'machinedeployments',
  MachineSet: 'machinesets',
  MachinePool: 'machinepools',
};

interface Mirrors {
  readonly version: string;
  readonly scalables: readonly Reflector<ScalableRecord>[];
  readonly machines: Reflector<MachineRecord>;
}

export function createCapiResources(options: CapiResourcesOptions): CapiResources {
  const { client, clock, random, logger, group } = options;
  let mirrors: Mirrors | undefined;
  let starting: Promise<Mirrors> | undefined;
  const versions = new Map<string, string>();

  const mirror = <T>(type: ResourceType, project: (raw: KubeObject) => T): Reflector<T> =>
    createReflector({
      client,
      type,
      clock,
      random,
      project,
      namespace: options.namespace,
      onFailure: ({ kind, error }) => logger.warn(`the mirror of ${type.plural} failed and is set up again`, { kind, error }),
    });

  const begin = async (): Promise<Mirrors> => {
    const version = options.version ?? (await preferredVersion(group));
    const served = await servedPlurals(group, version);
    if (!served.has('machines') || !served.has(plurals.MachineDeployment)) {
      throw unreadable(
        `${group}/${version} has no machines and machinedeployments: is Cluster API installed here? See CAPI_GROUP and CAPI_VERSION`,
      );
    }
    const kinds = (Object.keys(plurals) as ScalableKind[]).filter((kind) => served.has(plurals[kind]));
    const scalables = kinds.map((kind) => mirror(typeOfKind(group, version, kind), (raw) => projectScalable(kind, raw)));
    const machines = mirror(machineTypeOf(group, version), projectMachine);
    for (const each of [...scalables, machines]) each.start();
    return (mirrors = { version, scalables, machines });
  };

  const preferredVersion = async (apiGroup: string): Promise<string> => {
    const known = versions.get(apiGroup);
    if (known !== undefined) return known;
    const answer = await read<{ preferredVersion?: { version?: string } }>(`/apis/${apiGroup}`);
    const version = answer.preferredVersion?.version;
    if (version === undefined) throw unreadable(`the API server does not serve ${apiGroup}: is Cluster API installed here? See CAPI_GROUP`);
    versions.set(apiGroup, version);
    return version;
  };

  const servedPlurals = async (apiGroup: string, version: string): Promise<ReadonlySet<string>> => {
    const answer = await read<{ resources?: readonly { name?: string }[] }>(`/apis/${apiGroup}/${version}`);
    return new Set((answer.resources ?? []).map(({ name }) => name ?? ''));
  };

  /** A document of discovery; empty for what is not served. */
  const read = async <T>(path: string): Promise<Partial<T>> => {
    const { status, body } = await client.raw({ method: 'GET', path });
    if (status === 404) return {};
    if (status !== 200) throw unreadable(`GET ${path} was answered ${status}`);
    try {
      return JSON.parse(body.toString('utf8')) as Partial<T>;
    } catch (cause) {
      throw unreadable(`GET ${path} was not answered with JSON`, cause);
    }
  };

  /** A mirror tries for ever by itself; a loop does not wait for ever. */
  const synced = async (signal: AbortSignal | undefined): Promise<boolean> => {
    if (all().every((each) => each.hasSynced())) return true;
    const patience = new AbortController();
    const timer = clock.setTimeout(() => patience.abort(), firstListingMs);
    const onAbort = (): void => patience.abort();
    if (signal?.aborted === true) patience.abort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const answers = await Promise.all(all().map((each) => each.waitForSync(patience.signal)));
      return !answers.includes(false);
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  };

  const all = (): readonly Reflector<unknown>[] => (mirrors === undefined ? [] : [...mirrors.scalables, mirrors.machines]);
  const need = (): Mirrors => {
    if (mirrors === undefined) throw new ConcertinaError('INTERNAL', 'The objects of Cluster API were asked for before they were read.');
    return mirrors;
  };

  return {
    ready: async (signal) => {
      try {
        if (mirrors === undefined) {
          starting ??= begin().finally(() => {
            starting = undefined;
          });
          await starting;
        }
        if (!(await synced(signal))) throw unreadable('its objects could not be listed yet');
      } catch (error) {
        if (isConcertinaError(error, 'PROVIDER_UNREADABLE')) throw error;
        throw unreadable(messageOf(error), error);
      }
      for (const each of all()) {
        const age = clock.monotonic() - (each.stats().lastProgressAt ?? 0);
        if (age > maximumAgeMs) throw unreadable(`nothing was heard of its objects for ${Math.round(age / 1000)} s`);
      }
    },
    scalables: () => need().scalables.flatMap((each) => each.items()),
    machines: () => need().machines.items(),
    typeOf: (kind) => typeOfKind(group, need().version, kind),
    get machineType() {
      return machineTypeOf(group, need().version);
    },
    infrastructure: async (reference) => {
      const version = reference.version ?? (await preferredVersion(reference.group));
      const type: ResourceType = {
        group: reference.group,
        version,
        // Cluster API asks of infrastructure providers that their plurals are made so.
        plural: `${reference.kind.toLowerCase()}s`,
        kind: reference.kind,
        namespaced: true,
      };
      const found = await client.get<KubeObject>(type, { namespace: reference.namespace, name: reference.name }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      const status = (found?.status ?? {}) as RawInfrastructureStatus;
      if (status.capacity === undefined) return undefined;
      return {
        capacity: status.capacity,
        architecture: status.nodeInfo?.architecture,
        operatingSystem: status.nodeInfo?.operatingSystem,
      };
    },
    close: async () => {
      await Promise.all(all().map((each) => each.stop()));
    },
  };

  function unreadable(what: string, cause?: unknown): ConcertinaError {
    return new ConcertinaError('PROVIDER_UNREADABLE', `Cluster API (${group} at ${client.server}) cannot be read: ${what}.`, {
      ...(cause === undefined ? {} : { cause }),
      details: { group, server: client.server },
    });
  }
}

interface RawInfrastructureStatus {
  readonly capacity?: Readonly<Record<string, unknown>>;
  readonly nodeInfo?: { readonly architecture?: string; readonly operatingSystem?: string };
}

function typeOfKind(group: string, version: string, kind: ScalableKind): ResourceType {
  return { group, version, plural: plurals[kind], kind, namespaced: true };
}

function machineTypeOf(group: string, version: string): ResourceType {
  return { group, version, plural: 'machines', kind: 'Machine', namespaced: true };
}
