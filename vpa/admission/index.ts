/** The admission webhook: new pods get what their policy recommends, and the API server is told how to reach it. */
export {
  admissionConfigProblems,
  calledName,
  certificateNames,
  defaultAdmissionConfig,
  defaultAdmissionHealth,
  defaultAdmissionLimits,
  defaultAdmissionName,
  defaultCertificateConfig,
  systemNamespaces,
  upstreamAdmissionLease,
} from './config.ts';
export type {
  AdmissionConfig,
  AdmissionHealthConfig,
  AdmissionLimits,
  CertificateConfig,
  CertificateSource,
  RegistrationConfig,
  WebhookAddress,
} from './config.ts';
export { createAdmission } from './controller/admission.ts';
export type { Admission, AdmissionOptions } from './controller/admission.ts';
export { createAdmissionStatus } from './controller/admission-status.ts';
export type { AdmissionHealth, AdmissionStatus, AdmissionStatusOptions } from './controller/admission-status.ts';
export type { AdmissionRoutes } from './controller/routes.ts';
export { decidePod, observedContainersAnnotation } from './engine/pod-decision.ts';
export type { PodDecision, PodPatcher, PodPatchInput, PodPatchResult } from './engine/pod-decision.ts';
export type { PatchOperation } from './engine/review.ts';
export type { VpaValidation, VpaValidationInput, VpaValidator } from './engine/vpa-decision.ts';
export { admissionPaths, excludedNamespaces, webhookObject } from './engine/webhook-object.ts';
export { createPodPatcher } from './pod-patcher.ts';
export type { PodPatcherOptions } from './pod-patcher.ts';
export { removeRegistration } from './registration/registrar.ts';
