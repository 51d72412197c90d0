import { AwsError, noSuchGroup, validationError } from '../protocol/aws-error.ts';
import type { Parameters } from '../protocol/parameters.ts';
import type { Account } from '../state/account.ts';
import type { Group } from '../state/model.ts';

export function groupNamed(account: Account, name: string): Group {
  const group = account.groups.get(name);
  if (group === undefined) throw noSuchGroup(name);
  return group;
}

export function invalidToken(token: string): AwsError {
  return new AwsError('InvalidNextToken', `The token '${token}' is invalid.`);
}

/** MaxRecords within what AWS takes. */
export function maxRecords(parameters: Parameters, standard: number, most: number): number {
  const records = parameters.whole('MaxRecords') ?? standard;
  if (records < 1 || records > most) {
    throw validationError(
      `1 validation error detected: Value '${records}' at 'maxRecords' failed to satisfy constraint: Member must have value between 1 and ${most}`,
    );
  }
  return records;
}
