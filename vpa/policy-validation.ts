import type { KubeObject } from '../core/model/object.ts';
import { shownValue } from '../core/model/schema-problems.ts';
import { Quantity } from '../core/units/index.ts';
import { sizedResources, updateModes } from './model.ts';

/** Kinds of errors as the API server's field errors have them. */
export type ValidationKind = 'Required' | 'Unsupported' | 'Invalid' | 'Forbidden' | 'TooMany';

export interface ValidationProblem {
  /** `spec.resourcePolicy.containerPolicies[0].minAllowed[cpu]` */
  readonly path: string;
  readonly kind: ValidationKind;
  /** Value and remedy. */
  readonly message: string;
}

/** Upstream's feature gates. One that is off forbids new use of its fields; an object that used them may go on. */
export interface VpaGates {
  readonly perVpaConfig: boolean;
  readonly startupBoost: boolean;
  readonly inPlace: boolean;
}

export const allVpaGates: VpaGates = { perVpaConfig: true, startupBoost: true, inPlace: true };

/** Upstream's: what is alpha is off. */
export const upstreamVpaGates: VpaGates = { perVpaConfig: false, startupBoost: false, inPlace: false };

export interface ValidationOptions {
  /** The object as it was; absent: it is created. */
  readonly old?: KubeObject | undefined;
  readonly gates: VpaGates;
}

export interface ValidationResult {
  /** All of them, in the order of the fields. */
  readonly problems: readonly ValidationProblem[];
  readonly warnings: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** What the checks write to, and what the old object permits. */
interface Findings {
  readonly problems: ValidationProblem[];
  readonly warnings: string[];
  readonly create: boolean;
  readonly allowed: VpaGates;
  /** Names that the old object lists as controlled. */
  readonly controlled: ReadonlySet<unknown>;
}

/**
 * The rules for a VerticalPodAutoscaler beyond its schema, as upstream's webhook has them (specification §2.2). The object may be of any shape: what is of the
 * wrong type counts as absent here, the schema refuses it. A create is one without an old object (quirk Q1 is fixed).
 */
export function validateVpa(raw: KubeObject, { old, gates }: ValidationOptions): ValidationResult {
  const spec = record(raw.spec) ?? {};
  const before = record(old?.spec) ?? {};
  const findings: Findings = {
    problems: [],
    warnings: [],
    create: old === undefined,
    allowed: {
      perVpaConfig: gates.perVpaConfig || usesPerVpaConfig(before),
      startupBoost: gates.startupBoost || usesStartupBoost(before),
      inPlace: gates.inPlace || record(before['updatePolicy'])?.['updateMode'] === 'InPlace',
    },
    controlled: new Set(containerPolicies(before).flatMap((policy) => list(policy['controlledResources']))),
  };
  if (findings.create && record(spec['targetRef']) === undefined) {
    add(findings, 'spec.targetRef', 'Required', 'is required; name the workload whose pods are to be sized');
  }
  checkUpdatePolicy(record(spec['updatePolicy']), findings);
  for (const [index, policy] of containerPolicies(spec).entries()) {
    checkContainerPolicy(policy, `spec.resourcePolicy.containerPolicies[${index}]`, findings);
  }
  checkStartupBoost(spec['startupBoost'], 'spec.startupBoost', findings);
  const recommenders = list(spec['recommenders']);
  if (recommenders.length > 1) {
    add(findings, 'spec.recommenders', 'TooMany', `has ${recommenders.length} entries; the most is 1`);
  }
  return { problems: findings.problems, warnings: findings.warnings };
}

/** What the webhook adds to a VerticalPodAutoscaler that lacks it, as operations of a JSON patch. */
export function defaultVpa(raw: KubeObject): readonly { readonly op: 'add'; readonly path: string; readonly value: unknown }[] {
  const spec = record(raw.spec);
  if (spec === undefined || present(spec['updatePolicy'])) return [];
  return [{ op: 'add', path: '/spec/updatePolicy', value: { updateMode: 'Recreate' } }];
}

function add({ problems }: Findings, path: string, kind: ValidationKind, message: string): void {
  problems.push({ path, kind, message });
}

function forbidden(findings: Findings, path: string, gate: string): void {
  add(findings, path, 'Forbidden', `needs the feature gate ${gate}, which is off; switch it on or remove the field`);
}

function checkUpdatePolicy(policy: Json | undefined, findings: Findings): void {
  if (policy === undefined) return;
  const path = 'spec.updatePolicy';
  checkUpdateMode(policy['updateMode'], `${path}.updateMode`, findings);
  const { minReplicas, evictAfterOOMSeconds } = policy;
  if (typeof minReplicas === 'number' && minReplicas <= 0) {
    add(findings, `${path}.minReplicas`, 'Invalid', `${minReplicas} is too small; the least is 1`);
  }
  checkAtLeastOne(evictAfterOOMSeconds, `${path}.evictAfterOOMSeconds`, findings);
}

function checkUpdateMode(mode: unknown, path: string, findings: Findings): void {
  if (!present(mode)) {
    add(findings, path, 'Required', 'is required within updatePolicy; set it, or remove updatePolicy');
  } else if (mode === 'Auto') {
    findings.warnings.push(`${path}: Auto is deprecated and acts as Recreate; write Recreate, Initial or InPlaceOrRecreate`);
  } else if (mode === 'InPlace' && !findings.allowed.inPlace) {
    forbidden(findings, path, 'InPlace');
  } else if (!(updateModes as readonly unknown[]).includes(mode)) {
    add(findings, path, 'Unsupported', `${shownValue(mode)} is not one of ${updateModes.join(', ')}`);
  }
}

/** The gated whole numbers of PerVPAConfig. */
function checkAtLeastOne(value: unknown, path: string, findings: Findings): void {
  if (!present(value)) return;
  if (!findings.allowed.perVpaConfig) forbidden(findings, path, 'PerVPAConfig');
  else if (typeof value === 'number' && value < 1) add(findings, path, 'Invalid', `${value} is too small; the least is 1`);
}

function checkContainerPolicy(policy: Json, path: string, findings: Findings): void {
  const { containerName, mode } = policy;
  if (!present(containerName) || containerName === '') {
    add(findings, `${path}.containerName`, 'Required', 'is required; name a container, or write * for all others');
  }
  if (present(mode) && mode !== 'Auto' && mode !== 'Off') {
    add(findings, `${path}.mode`, 'Unsupported', `${shownValue(mode)} is not one of Auto, Off`);
  }
  checkAllowed(policy, path, findings);
  if (mode === 'Off' && policy['controlledValues'] === 'RequestsAndLimits') {
    add(
      findings,
      `${path}.controlledValues`,
      'Forbidden',
      'RequestsAndLimits has no meaning with mode Off; remove controlledValues or set mode Auto',
    );
  }
  checkControlledResources(policy['controlledResources'], `${path}.controlledResources`, findings);
  checkOomQuantity(policy['oomBumpUpRatio'], 1, `${path}.oomBumpUpRatio`, findings);
  checkOomQuantity(policy['oomMinBumpUp'], 0, `${path}.oomMinBumpUp`, findings);
  checkAtLeastOne(policy['memoryAggregationIntervalSeconds'], `${path}.memoryAggregationIntervalSeconds`, findings);
  checkAtLeastOne(policy['memoryAggregationIntervalCount'], `${path}.memoryAggregationIntervalCount`, findings);
  checkStartupBoost(policy['startupBoost'], `${path}.startupBoost`, findings);
}

function checkAllowed(policy: Json, path: string, findings: Findings): void {
  const least = checkResourceList(policy['minAllowed'], `${path}.minAllowed`, findings);
  const most = checkResourceList(policy['maxAllowed'], `${path}.maxAllowed`, findings);
  for (const [resource, maximum] of most) {
    const minimum = least.get(resource);
    if (minimum === undefined || maximum.cmp(minimum) >= 0) continue;
    add(
      findings,
      `${path}.maxAllowed[${resource}]`,
      'Invalid',
      `${maximum.toString()} is less than minAllowed ${minimum.toString()}; raise it or lower minAllowed`,
    );
  }
}

/** The quantities that are one; cpu first, then memory, then the rest by name, so that problems have one order. */
function checkResourceList(value: unknown, path: string, findings: Findings): ReadonlyMap<string, Quantity> {
  const given = record(value) ?? {};
  const others = Object.keys(given).filter((name) => !(sizedResources as readonly string[]).includes(name));
  const quantities = new Map<string, Quantity>();
  for (const resource of [...sizedResources, ...others.toSorted()]) {
    if (!present(given[resource])) continue;
    const at = `${path}[${resource}]`;
    const quantity = checkQuantity(given[resource], at, findings);
    if (quantity === undefined) continue;
    quantities.set(resource, quantity);
    checkGranularity(resource, { quantity, given: given[resource], path: at }, findings);
  }
  return quantities;
}

function checkQuantity(value: unknown, path: string, findings: Findings): Quantity | undefined {
  const quantity = Quantity.tryParse(value);
  if (quantity === undefined) add(findings, path, 'Invalid', `${shownValue(value)} is not a quantity, like 250m or 1Gi`);
  return quantity;
}

interface CheckedQuantity {
  readonly quantity: Quantity;
  readonly given: unknown;
  readonly path: string;
}

function checkGranularity(resource: string, { quantity, given, path }: CheckedQuantity, findings: Findings): void {
  if (resource === 'cpu' && quantity.nano % 1_000_000n !== 0n) {
    add(findings, path, 'Invalid', `${shownValue(given)} is not a whole number of milli-cores; write it like 250m`);
  } else if (resource === 'memory' && quantity.nano % 1_000_000_000n !== 0n) {
    add(findings, path, 'Invalid', `${shownValue(given)} is not a whole number of bytes; write it like 256Mi`);
  }
}

function checkControlledResources(value: unknown, path: string, findings: Findings): void {
  for (const [index, resource] of list(value).entries()) {
    if ((sizedResources as readonly unknown[]).includes(resource)) continue;
    const message = `${shownValue(resource)} is not one of ${sizedResources.join(', ')}`;
    if (findings.controlled.has(resource)) findings.warnings.push(`${path}[${index}]: ${message} and has no effect; remove it`);
    else add(findings, `${path}[${index}]`, 'Unsupported', message);
  }
}

/** The gated quantities of PerVPAConfig. */
function checkOomQuantity(value: unknown, least: number, path: string, findings: Findings): void {
  if (!present(value)) return;
  if (!findings.allowed.perVpaConfig) {
    forbidden(findings, path, 'PerVPAConfig');
    return;
  }
  const quantity = checkQuantity(value, path, findings);
  if (quantity === undefined || quantity.cmp(Quantity.ofInteger(least)) >= 0) return;
  add(findings, path, 'Invalid', `${shownValue(value)} is too small; the least is ${least}`);
}

function checkStartupBoost(value: unknown, path: string, findings: Findings): void {
  if (!present(value)) return;
  if (!findings.allowed.startupBoost) {
    forbidden(findings, path, 'CPUStartupBoost');
    return;
  }
  // Without its cpu part it boosts nothing, and that is no error (quirk Q16).
  const cpu = record(record(value)?.['cpu']);
  if (cpu === undefined) return;
  const { type } = cpu;
  if (!present(type) || type === '') add(findings, `${path}.cpu.type`, 'Required', 'is required; write Factor or Quantity');
  else if (type === 'Factor') checkFactor(cpu['factor'], `${path}.cpu.factor`, findings);
  else if (type === 'Quantity') checkBoostQuantity(cpu['quantity'], `${path}.cpu.quantity`, findings);
  else add(findings, `${path}.cpu.type`, 'Unsupported', `${shownValue(type)} is not one of Factor, Quantity`);
}

function checkFactor(factor: unknown, path: string, findings: Findings): void {
  if (!present(factor)) add(findings, path, 'Required', 'is required by type Factor; add it');
  else if (typeof factor === 'number' && factor < 1) add(findings, path, 'Invalid', `${factor} is too small; the least is 1`);
}

function checkBoostQuantity(given: unknown, path: string, findings: Findings): void {
  if (!present(given)) {
    add(findings, path, 'Required', 'is required by type Quantity; add it');
    return;
  }
  const quantity = checkQuantity(given, path, findings);
  if (quantity !== undefined) checkGranularity('cpu', { quantity, given, path }, findings);
}

function usesPerVpaConfig(spec: Json): boolean {
  const fields = ['oomBumpUpRatio', 'oomMinBumpUp', 'memoryAggregationIntervalSeconds', 'memoryAggregationIntervalCount'];
  return (
    present(record(spec['updatePolicy'])?.['evictAfterOOMSeconds']) ||
    containerPolicies(spec).some((policy) => fields.some((field) => present(policy[field])))
  );
}

function usesStartupBoost(spec: Json): boolean {
  return present(spec['startupBoost']) || containerPolicies(spec).some((policy) => present(policy['startupBoost']));
}

function containerPolicies(spec: Json): readonly Json[] {
  return list(record(spec['resourcePolicy'])?.['containerPolicies']).map((each) => record(each) ?? {});
}

function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function record(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
