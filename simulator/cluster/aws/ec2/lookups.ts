import { wildcard } from '../instance-types/requirements.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { pageOf, type Page } from '../protocol/page.ts';

/** The values of an object that a filter may ask for; undefined for a name that EC2 does not know. */
export type FilterField<T> = (item: T, name: string) => readonly (string | undefined)[] | undefined;

/** Filters of EC2: all must hold, of one filter's values one; `*` and `?` stand for characters. An unknown name is refused. */
export function readFilters<T>(parameters: Parameters, field: FilterField<T>): (items: readonly T[]) => readonly T[] {
  const filters = parameters.list('Filter').map((filter) => ({
    name: filter.required('Name'),
    patterns: filter.texts('Value').map(wildcard),
  }));
  return (items) =>
    items.filter((item) =>
      filters.every(({ name, patterns }) => {
        const values = field(item, name);
        if (values === undefined) throw new AwsError('InvalidParameterValue', `The filter '${name}' is invalid`);
        return values.some((value) => value !== undefined && patterns.some((pattern) => pattern.test(value)));
      }),
    );
}

interface PageOptions<T> {
  readonly key: (item: T) => string;
  /** Bounds of MaxResults, and what counts when there is none. */
  readonly least: number;
  readonly most: number;
  readonly standard: number;
}

/** A page of items that are sorted by their keys. */
export function readPage<T>(parameters: Parameters, { key, least, most, standard }: PageOptions<T>): (items: readonly T[]) => Page<T> {
  const asked = parameters.whole('MaxResults');
  const token = parameters.text('NextToken');
  if (asked !== undefined && (asked < least || asked > most)) {
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${asked} ) for parameter maxResults is invalid. Expecting a value between ${least} and ${most}.`,
    );
  }
  const badToken = (): AwsError => new AwsError('InvalidNextToken', 'The token is invalid');
  return (items) => pageOf(items, { token, limit: asked ?? standard, key, badToken });
}
