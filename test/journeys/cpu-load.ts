import { constant, type WorkloadModel } from '../../simulator/index.ts';

export interface CpuLoad {
  readonly namespace: string;
  /** Name of the Deployment; default `web`. */
  readonly name?: string;
  /** CPU that all its pods together are asked for, milli-cores. */
  readonly milli: number;
  /** Bytes of each pod; default 16 MiB. Counts the first time only. */
  readonly memory?: number;
}

/** Puts a load on the pods of a Deployment, from now on. */
export function setCpuLoad(workload: WorkloadModel, { namespace, name = 'web', milli, memory = 2 ** 24 }: CpuLoad): void {
  const key = `${namespace}/${name}`;
  // 1 ms of CPU a request: a request a second is a milli-core.
  const load = constant(milli);
  if (workload.definition(key) !== undefined) workload.setLoad(key, load);
  else workload.define({ name: key, namespace, owner: name, load, cpuPerRequest: 1, baseCpu: 0.1, memory: { base: memory } });
}
