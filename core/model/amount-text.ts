import { Quantity } from '../units/index.ts';

const binaryUnits = [
  ['Ti', 2 ** 40],
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
  ['Ki', 2 ** 10],
] as const;

/** Milli-cores as Kubernetes writes them: `224m`, `2`. */
export function cpuText(milliCores: number): string {
  return Quantity.ofMilli(BigInt(Math.round(milliCores))).toString();
}

/** Bytes for a person, in the largest unit of which there is at least one, with four digits at the most: `174.6Mi`. Not exact: files and JSON have bytes. */
export function memoryText(bytes: number): string {
  const unit = binaryUnits.find(([, size]) => bytes >= size);
  if (unit === undefined) return String(bytes);
  const [name, size] = unit;
  const value = bytes / size;
  return `${Number(value.toFixed(value < 1000 ? 1 : 0))}${name}`;
}

/** A resource's amount for a person: `cpu` is in milli-cores, `memory` in bytes, everything else in whole units. */
export function amountText(resource: string, amount: number): string {
  if (resource === 'cpu') return cpuText(amount);
  return resource === 'memory' ? memoryText(amount) : String(amount);
}

/** A value of a decision, in the unit of its dimension (see `Decision.dimension`). */
export function valueText(dimension: string | undefined, value: number): string {
  const resource = dimension?.split('/')[1];
  return resource === undefined ? String(value) : amountText(resource, value);
}
