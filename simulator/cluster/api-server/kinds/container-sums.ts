import { Quantity } from '../../../../core/units/index.ts';
import { nano } from './quantities.ts';
import type { Container, PodSpec } from './shapes.ts';

/** What the containers of a pod come to in nano-units: containers and sidecars, or the largest init container beside the sidecars before it. */
export function sumOfContainers(spec: PodSpec, name: string, part: 'requests' | 'limits'): bigint {
  const of = (container: Container): bigint => nano(container.resources?.[part]?.[name]);
  let sidecars = 0n;
  let peak = 0n;
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars += of(container);
    else if (sidecars + of(container) > peak) peak = sidecars + of(container);
  }
  let sum = sidecars;
  for (const container of spec.containers ?? []) sum += of(container);
  return sum > peak ? sum : peak;
}

/** The sum in the format of its first part, as Go adds quantities up. */
export function sumText(spec: PodSpec, name: string, sum: bigint): string {
  const first = (spec.containers ?? []).flatMap(({ resources }) => resources?.requests?.[name] ?? resources?.limits?.[name] ?? []).at(0);
  return Quantity.ofNano(sum, first === undefined ? undefined : Quantity.tryParse(first)?.format).toString();
}
