import { createDeviceSelectors } from '../device-selectors.ts';
import type { DeviceClaim, DeviceClaimSpec, DeviceClassRecord, DeviceFacts, SliceRecord } from '../engine/scheduling/devices/index.ts';
import type { ListSource } from './ports.ts';

/** Live copies of what dynamic resource allocation is known by. */
export interface DeviceReads {
  readonly claims: ListSource<DeviceClaim>;
  readonly templates: ListSource<{ readonly key: string; readonly spec: DeviceClaimSpec }>;
  readonly classes: ListSource<DeviceClassRecord>;
  readonly slices: ListSource<SliceRecord>;
}

/** One for the process: expressions stay compiled from loop to loop. */
const selectorOf = createDeviceSelectors();

/** What the filter of devices goes by; `undefined` as long as not all of it was heard. */
export function deviceFacts(reads: DeviceReads | undefined): DeviceFacts | undefined {
  if (reads === undefined || !Object.values(reads).every((source: ListSource<unknown>) => source.hasSynced())) return undefined;
  return {
    claims: new Map(reads.claims.items().map((claim) => [`${claim.namespace}/${claim.name}`, claim])),
    templates: new Map(reads.templates.items().map(({ key, spec }) => [key, spec])),
    classes: new Map(reads.classes.items().map((each) => [each.name, each])),
    slices: reads.slices.items(),
    selectorOf,
  };
}
