/** Dynamic resource allocation in simulation: claims on devices, who has which device, the filter DynamicResources. */
export { copyDevices } from './copies.ts';
export { createDeviceLedger } from './ledger.ts';
export type { DeviceLedger, DeviceNode } from './ledger.ts';
export { deviceKey } from './model.ts';
export type {
  CounterSets,
  DeviceClaim,
  DeviceClaimSpec,
  DeviceClassRecord,
  DeviceFacts,
  DeviceRecord,
  DeviceSelector,
  SliceRecord,
} from './model.ts';
export { notSimulated } from './pod-needs.ts';
export type { DeviceNeeds } from './pod-needs.ts';
export { projectClaimTemplate, projectDeviceClass, projectResourceClaim, projectSlice } from './project.ts';
