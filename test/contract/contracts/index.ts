import { accessContracts } from './access.ts';
import { admissionContracts } from './admission.ts';
import { autoscalingContracts } from './autoscaling.ts';
import { clientContracts } from './client.ts';
import { conflictContracts } from './conflict.ts';
import { crdContracts } from './crd.ts';
import { cronJobContracts } from './cron-job.ts';
import { crudContracts } from './crud.ts';
import { evictionContracts } from './eviction.ts';
import { identityContracts } from './identity.ts';
import { leaseContracts } from './lease-event.ts';
import { lifecycleContracts } from './lifecycle.ts';
import { limitRangeContracts } from './limit-range.ts';
import { listContracts } from './list.ts';
import { patchContracts } from './patch.ts';
import { podContracts } from './pod.ts';
import { podWebhookContracts } from './pod-webhook.ts';
import { protocolContracts } from './protocol.ts';
import { resizeContracts } from './resize.ts';
import { subresourceContracts } from './subresource.ts';
import type { ContractSuite } from '../suite.ts';
import { watchContracts } from './watch.ts';
import { writeOptionContracts } from './write-options.ts';

/** Every contract there is. */
export function allContracts(suite: ContractSuite): void {
  crudContracts(suite);
  conflictContracts(suite);
  patchContracts(suite);
  writeOptionContracts(suite);
  listContracts(suite);
  watchContracts(suite);
  subresourceContracts(suite);
  podContracts(suite);
  evictionContracts(suite);
  resizeContracts(suite);
  limitRangeContracts(suite);
  leaseContracts(suite);
  crdContracts(suite);
  accessContracts(suite);
  admissionContracts(suite);
  podWebhookContracts(suite);
  autoscalingContracts(suite);
  clientContracts(suite);
  lifecycleContracts(suite);
  cronJobContracts(suite);
  identityContracts(suite);
  protocolContracts(suite);
}
