import { describe, expect, it } from 'vitest';
import { classify, errorOf, failureOf, type AwsFault } from './faults.ts';

const service = (name: string, status: number, more: object = {}): Error =>
  Object.assign(new Error('said by AWS'), {
    name,
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status },
    ...more,
  });

describe('what an SDK client threw', () => {
  it.each([
    [service('Throttling', 400), 'throttled', 'Throttling'],
    [service('RequestLimitExceeded', 503), 'throttled', 'RequestLimitExceeded'],
    [service('SomethingNew', 429), 'throttled', 'SomethingNew'],
    [service('ResourceContentionFault', 500, { Code: 'ResourceContention' }), 'throttled', 'ResourceContention'],
    [service('ScalingActivityInProgressFault', 400, { Code: 'ScalingActivityInProgress' }), 'refused', 'ScalingActivityInProgress'],
    [service('ValidationError', 400), 'refused', 'ValidationError'],
    [service('UnauthorizedOperation', 403), 'forbidden', 'UnauthorizedOperation'],
    [service('ExpiredToken', 403), 'credentials', 'ExpiredToken'],
    [service('AuthFailure', 401), 'credentials', 'AuthFailure'],
    [service('InternalFailure', 500), 'unclear', 'InternalFailure'],
    [
      Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' }),
      'credentials',
      'CredentialsProviderError',
    ],
    [new Error('Region is missing'), 'credentials', 'Error'],
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 'unreachable', 'ECONNREFUSED'],
    [Object.assign(new Error('x'), { name: 'TimeoutError' }), 'unclear', 'TimeoutError'],
    [Object.assign(new SyntaxError('Unexpected token <'), { $response: { statusCode: 500 } }), 'unclear', 'SyntaxError'],
    ['a text', 'unclear', 'Unknown'],
  ] as const)('%o is %s %s', (thrown, kind, code) => {
    expect(classify(thrown)).toMatchObject({ kind, code });
  });

  it('becomes one sentence with call, group, region and what to do', () => {
    const fault: AwsFault = {
      kind: 'forbidden',
      code: 'AccessDenied',
      message: 'User x is not authorized',
      call: 'SetDesiredCapacity',
      group: 'workers',
      attempts: 1,
      cause: undefined,
    };
    expect(errorOf(fault, 'eu-west-1')).toMatchObject({
      code: 'PROVIDER_FORBIDDEN',
      message:
        'SetDesiredCapacity of group workers in eu-west-1 failed: AccessDenied: User x is not authorized; allow the action in the IAM policy of its role.',
      details: { call: 'SetDesiredCapacity', group: 'workers', region: 'eu-west-1', code: 'AccessDenied', attempts: 1 },
    });
    expect(failureOf({ ...fault, kind: 'refused', code: 'ValidationError' }, '').message).toBe(
      'SetDesiredCapacity of group workers was refused: ValidationError: User x is not authorized',
    );
  });
});
