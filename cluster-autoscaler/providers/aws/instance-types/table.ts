import type { InstanceTypeFacts } from '../engine/index.ts';
import { instanceTypeRows } from './instance-types.generated.ts';

export { instanceTypeSource } from './instance-types.generated.ts';

let table: ReadonlyMap<string, InstanceTypeFacts> | undefined;

/** The types that are known without asking EC2 (see `generate.ts`), by name. */
export function staticInstanceTypes(): ReadonlyMap<string, InstanceTypeFacts> {
  return (table ??= read(instanceTypeRows));
}

function read(rows: string): ReadonlyMap<string, InstanceTypeFacts> {
  const types = new Map<string, InstanceTypeFacts>();
  for (const row of rows.trim().split('\n')) {
    const [family = '', architecture = '', ...rest] = row.split(' ');
    const sizes = rest.filter((word) => word.includes(':'));
    const gpuManufacturer = rest.length > sizes.length ? (rest[0] ?? '') : '';
    for (const text of sizes) {
      const [size = '', vcpu, memoryMiB, gpu = 0] = text.split(':');
      const name = `${family}.${size}`;
      types.set(name, { name, vcpu: Number(vcpu), memoryMiB: Number(memoryMiB), gpu: Number(gpu), gpuManufacturer, architecture });
    }
  }
  return types;
}
