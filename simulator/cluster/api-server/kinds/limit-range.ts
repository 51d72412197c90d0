import type { KubeObject } from '../../../../core/model/object.ts';
import { Quantity } from '../../../../core/units/index.ts';
import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { objectOf, objectsOf } from '../json.ts';
import { canonicalQuantity, canonicalResources, nano } from './quantities.ts';

const { duplicate, forbidden, invalid, required } = fieldErrors;

/** Amounts by resource name, as they stand in an item. */
export type LimitList = Record<string, string>;

/** One item of a LimitRange. */
export interface LimitItem {
  type?: string;
  min?: LimitList;
  max?: LimitList;
  default?: LimitList;
  defaultRequest?: LimitList;
  maxLimitRequestRatio?: LimitList;
}

const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
const standardTypes = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);

export function limitItems(range: KubeObject): readonly LimitItem[] {
  return objectsOf(objectOf(range.spec)['limits']) as readonly LimitItem[];
}

/** A container's default limit is its maximum, its default request the default limit, or else the minimum. */
export function defaultLimitRange(range: KubeObject): void {
  for (const item of limitItems(range)) {
    for (const list of lists) canonicalResources(item[list]);
    if (item.type !== 'Container') continue;
    fill((item.default ??= {}), item.max);
    fill((item.defaultRequest ??= {}), item.default);
    fill(item.defaultRequest, item.min);
    if (Object.keys(item.default).length === 0) delete item.default;
    if (Object.keys(item.defaultRequest).length === 0) delete item.defaultRequest;
  }
}

function fill(list: LimitList, from: LimitList | undefined): void {
  for (const [name, value] of Object.entries(from ?? {})) list[name] ??= value;
}

export function validateLimitRange(range: KubeObject): FieldError[] {
  const types = new Set<string>();
  return limitItems(range).flatMap((item, at) => {
    const field = `spec.limits[${at}]`;
    const type = item.type ?? '';
    const errors = validateType(type, field);
    if (types.has(type)) errors.push(duplicate(`${field}.type`, type));
    types.add(type);
    for (const list of lists) errors.push(...validateQuantities(item[list], `${field}.${list}`));
    return [...errors, ...validateTypeRules(item, field), ...validateOrder(item, field)];
  });
}

function validateType(type: string, field: string): FieldError[] {
  if (standardTypes.has(type) || type.includes('/')) return [];
  return [invalid(`${field}.type`, type, 'must be a standard limit type or fully qualified')];
}

function validateQuantities(list: LimitList | undefined, field: string): FieldError[] {
  return Object.entries(list ?? {}).flatMap(([name, value]) =>
    canonicalQuantity(value) === undefined
      ? [invalid(`${field}[${name}]`, value, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
      : [],
  );
}

function validateTypeRules(item: LimitItem, field: string): FieldError[] {
  if (item.type === 'Pod') {
    const given = (['default', 'defaultRequest'] as const).filter((list) => Object.keys(item[list] ?? {}).length > 0);
    return given.map((list) => forbidden(`${field}.${list}`, "may not be specified when `type` is 'Pod'"));
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
    return [required(`${field}.limits`, 'either minimum or maximum storage value is required, but neither was provided')];
  }
  return [];
}

/** `[smaller list, its name, greater list, its name, where it is told]`, in upstream's order. */
const orders = [
  ['min', 'min value', 'max', 'max value', 'min'],
  ['min', 'min value', 'defaultRequest', 'default request value', 'defaultRequest'],
  ['defaultRequest', 'default request value', 'max', 'max value', 'defaultRequest'],
  ['defaultRequest', 'default request value', 'default', 'default limit value', 'defaultRequest'],
  ['min', 'min value', 'default', 'default value', 'default'],
  ['default', 'default value', 'max', 'max value', 'default'],
] as const;
/** Which list's value the error shows, where it is not that of its field. */
const shown: Readonly<Record<string, 'min' | 'max' | undefined>> = { 'min<default': 'min', 'default<max': 'max' };

function validateOrder(item: LimitItem, field: string): FieldError[] {
  const names = new Set(lists.flatMap((list) => Object.keys(item[list] ?? {})));
  return [...names].toSorted().flatMap((name) => {
    const errors: FieldError[] = [];
    for (const [less, lessName, more, moreName, told] of orders) {
      const [low, high] = [item[less]?.[name], item[more]?.[name]];
      if (low === undefined || high === undefined || nano(low) <= nano(high)) continue;
      const value = item[shown[`${less}<${more}`] ?? told]?.[name];
      errors.push(invalid(`${field}.${told}[${name}]`, value, `${lessName} ${low} is greater than ${moreName} ${high}`));
    }
    return [...errors, ...validateRatio(item, name, `${field}.maxLimitRequestRatio[${name}]`)];
  });
}

function validateRatio(item: LimitItem, name: string, field: string): FieldError[] {
  const ratio = item.maxLimitRequestRatio?.[name];
  if (ratio === undefined) return [];
  const errors: FieldError[] = [];
  const quantity = Quantity.ofNano(nano(ratio));
  if (quantity.cmp(Quantity.ofInteger(1)) < 0) errors.push(invalid(field, ratio, `ratio ${ratio} is less than 1`));
  const [min, max] = [item.min?.[name], item.max?.[name]];
  if (min === undefined || max === undefined) return errors;
  const most = milli(max) / milli(min);
  if (milli(ratio) / 1000 > most) errors.push(invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`));
  return errors;
}

/** Thousandths, rounded up, as upstream compares. */
export function milli(value: string): number {
  return Number(Quantity.ofNano(nano(value)).toMilli('up'));
}
