import { messageOf } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import { createReflector } from '../../../core/kube/reflector.ts';
import type { Clock, Random } from '../../../core/model/clock.ts';
import type { KubeObject, ResourceType } from '../../../core/model/object.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { ObjectSource } from '../../ports.ts';

/** One object that is watched. */
export interface FollowedObject {
  get(): KubeObject | undefined;
  /** What `get` answers is known, also when that is nothing. */
  hasSynced(): boolean;
  start(onChange: () => void): void;
  stop(): Promise<void>;
}

export interface FollowOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Follows an object in the live list that is given, or in a watch of its own, which needs no more than the right to that one name. */
export function followObject(
  { client, clock, random, logger }: FollowOptions,
  object: { readonly type: ResourceType; readonly namespace?: string; readonly name: string },
  given: ObjectSource | undefined,
): FollowedObject {
  const { type, namespace, name } = object;
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  const own =
    given === undefined
      ? createReflector<KubeObject>({
          client,
          type,
          clock,
          random,
          ...(namespace === undefined ? {} : { namespace }),
          fieldSelector: `metadata.name=${name}`,
          project: (raw) => raw,
          onFailure: ({ error }) => logger.warn(`${type.kind} ${key} cannot be watched for now`, { error: messageOf(error) }),
        })
      : undefined;
  const live: ObjectSource | undefined = given ?? own;
  let unsubscribe: (() => void) | undefined;
  return {
    get: () => live?.get(key),
    hasSynced: () => live?.hasSynced() ?? false,
    start: (onChange) => {
      own?.start();
      unsubscribe = live?.onDelta((change) => {
        if (change.key === key) onChange();
      });
      // A list that turns out to be empty tells of no change.
      void own?.waitForSync().then((didSync) => {
        if (didSync) onChange();
      });
    },
    stop: async () => {
      unsubscribe?.();
      await own?.stop();
    },
  };
}
