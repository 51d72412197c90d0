import type { Account } from '../state/account.ts';
import type { Parameters } from './parameters.ts';
import type { XmlFields } from './xml.ts';

/** One action of a service: reads its parameters, refuses by throwing an AwsError, answers the fields of its result. */
export type Action = (account: Account, parameters: Parameters) => XmlFields | undefined;

export type Actions = Readonly<Record<string, Action>>;
