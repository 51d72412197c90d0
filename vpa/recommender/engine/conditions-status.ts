import type { Condition } from '../../../core/model/condition.ts';
import { Quantity } from '../../../core/units/quantity.ts';
import type { Amounts, ContainerRecommendation, Recommendation } from '../../model.ts';
import { conditionTypes, nextConditions, type ConditionFacts } from './conditions.ts';

type Json = Readonly<Record<string, unknown>>;

/** Amounts as upstream writes them: `250m`, `262144k`. */
export type QuantitiesJson = Readonly<Record<string, string>>;

/** `status.recommendation` as it is written. */
export interface RecommendationJson {
  readonly containerRecommendations?: readonly {
    readonly containerName: string;
    readonly target: QuantitiesJson;
    readonly lowerBound?: QuantitiesJson;
    readonly upperBound?: QuantitiesJson;
    readonly uncappedTarget?: QuantitiesJson;
  }[];
}

/** An operation of a JSON patch. */
export type StatusOperation =
  { readonly op: 'add'; readonly path: string; readonly value: unknown } | { readonly op: 'remove'; readonly path: string };

function quantitiesJson(amounts: Amounts): QuantitiesJson {
  return Object.fromEntries(
    Object.entries(amounts).map(([resource, amount]) => [
      resource,
      (resource === 'cpu' ? Quantity.ofMilli(amount) : Quantity.ofInteger(amount)).toString(),
    ]),
  );
}

/** Without containers `{}`, as upstream writes it. Amounts must be integers up to 2^53. */
export function recommendationJson({ containers }: Recommendation): RecommendationJson {
  if (containers.length === 0) return {};
  return {
    containerRecommendations: containers.map(({ container, target, lowerBound, upperBound, uncappedTarget }) => ({
      containerName: container,
      target: quantitiesJson(target),
      ...(isEmpty(lowerBound) ? {} : { lowerBound: quantitiesJson(lowerBound) }),
      ...(isEmpty(upperBound) ? {} : { upperBound: quantitiesJson(upperBound) }),
      ...(isEmpty(uncappedTarget) ? {} : { uncappedTarget: quantitiesJson(uncappedTarget) }),
    })),
  };
}

function isEmpty(amounts: Amounts): boolean {
  return Object.keys(amounts).length === 0;
}

/** Conditions of a stored status; entries without a type are left out. */
export function conditionsOfStatus(status: unknown): readonly Condition[] {
  return listOf(objectOf(status)?.['conditions']).flatMap((raw) => {
    const { type, status: state, lastTransitionTime, reason, message, ...rest } = raw;
    if (typeof type !== 'string' || type === '') return [];
    return [
      {
        ...rest,
        type,
        status: state === 'True' || state === 'False' ? state : 'Unknown',
        lastTransitionTime: typeof lastTransitionTime === 'string' ? lastTransitionTime : '1970-01-01T00:00:00Z',
        reason: typeof reason === 'string' ? reason : '',
        message: typeof message === 'string' ? message : '',
      },
    ];
  });
}

/**
 * `status.recommendation`, only while its condition RecommendationProvided is True (spec §3.3). CPU in milli-cores and all else in whole units, rounded up; what
 * is no quantity, or none that an amount can hold, is left out.
 */
export function recommendationOfStatus(status: unknown): Recommendation | undefined {
  const raw = objectOf(objectOf(status)?.['recommendation']);
  if (raw === undefined) return undefined;
  const provided = conditionsOfStatus(status).find(({ type }) => type === conditionTypes.provided);
  if (provided?.status !== 'True') return undefined;
  const containers = listOf(raw['containerRecommendations']).flatMap((each): ContainerRecommendation[] => {
    const container = each['containerName'];
    if (typeof container !== 'string' || container === '') return [];
    const amounts = (field: string): Amounts => amountsOfJson(each[field]);
    return [
      {
        container,
        target: amounts('target'),
        lowerBound: amounts('lowerBound'),
        upperBound: amounts('upperBound'),
        uncappedTarget: amounts('uncappedTarget'),
      },
    ];
  });
  return { containers: containers.toSorted((a, b) => (a.container < b.container ? -1 : Number(a.container > b.container))) };
}

function amountsOfJson(raw: unknown): Amounts {
  const entries = Object.entries(objectOf(raw) ?? {}).flatMap(([resource, text]) => {
    const quantity = Quantity.tryParse(text);
    if (quantity === undefined || quantity.sign < 0) return [];
    const amount = Number(resource === 'cpu' ? quantity.toMilli('up') : quantity.toInteger('up'));
    return Number.isSafeInteger(amount) ? [[resource, amount] as const] : [];
  });
  return Object.fromEntries(entries);
}

export interface StatusFacts extends Omit<ConditionFacts, 'conditions'> {
  /** `status` as it is stored. */
  readonly observed: unknown;
}

/** The part of `status` that is the recommender's. */
export interface PolicyStatus {
  /** `undefined`: what is stored stays. */
  readonly recommendation: RecommendationJson | undefined;
  readonly conditions: readonly Partial<Condition>[];
  readonly observedGeneration: number | undefined;
}

/** What the recommender's part of the status should be after a pass. */
export function nextStatus({ observed, ...facts }: StatusFacts): PolicyStatus {
  const conditions = nextConditions({ ...facts, conditions: conditionsOfStatus(observed) });
  return {
    recommendation: facts.recommendation === undefined ? undefined : recommendationJson(facts.recommendation),
    // Empty texts are left out, as upstream's `omitempty` does.
    conditions: conditions.map((each) => Object.fromEntries(Object.entries(each).filter(([, value]) => value !== ''))),
    observedGeneration: facts.generation,
  };
}

/**
 * The JSON patch for the status subresource; empty when nothing differs semantically. Only fields of the recommender that differ are touched, so that what
 * others keep in the status stays; an object without status gets a whole one.
 */
export function statusPatch(observed: unknown, next: PolicyStatus): StatusOperation[] {
  const status = objectOf(observed);
  const fields = Object.entries(next).filter(([, value]) => value !== undefined);
  if (status === undefined) {
    const whole = Object.fromEntries(fields);
    return sameStatus(observed, whole) ? [] : [{ op: 'add', path: '/status', value: whole }];
  }
  return fields.flatMap(([field, value]): StatusOperation[] =>
    sameField(field, status[field], value) ? [] : [{ op: 'add', path: `/status/${field}`, value }],
  );
}

/** Whether two statuses say the same: absent, null and empty are one thing, quantities are compared by value, keys in any order. */
export function sameStatus(a: unknown, b: unknown): boolean {
  return sameJson(meaning('', a), meaning('', b));
}

function sameField(field: string, a: unknown, b: unknown): boolean {
  return sameJson(meaning(field, a), meaning(field, b));
}

const quantityFields: ReadonlySet<string> = new Set(['target', 'lowerBound', 'upperBound', 'uncappedTarget']);

/** Empty things become undefined, quantities their value, keys sorted. */
function meaning(field: string, value: unknown): unknown {
  if (value === null || value === '') return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((each) => meaning(field, each));
  const object = objectOf(value);
  if (object === undefined) return value;
  const inside = quantityFields.has(field) ? quantityMeaning : meaning;
  const entries = Object.entries(object).flatMap(([key, each]) => {
    const meant = inside(key, each);
    return meant === undefined ? [] : [[key, meant] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries.toSorted(([x], [y]) => (x < y ? -1 : Number(x > y))));
}

function quantityMeaning(_resource: string, value: unknown): unknown {
  const quantity = Quantity.tryParse(value);
  return quantity === undefined ? value : `${quantity.nano}n`;
}

function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function listOf(value: unknown): readonly Json[] {
  if (!Array.isArray(value)) return [];
  return value.map(objectOf).filter((each) => each !== undefined);
}
