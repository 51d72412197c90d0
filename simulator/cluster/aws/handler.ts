import type { Clock } from '../../../core/model/clock.ts';
import { sleep } from '../../../core/model/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import type { Activity } from '../api-server/activity.ts';
import { autoScalingActions } from './autoscaling/index.ts';
import { ec2Actions } from './ec2/index.ts';
import type { FaultList } from './faults.ts';
import { AwsError } from './protocol/aws-error.ts';
import type { Actions } from './protocol/action.ts';
import { answerOf, apiVersions, refusalOf, type Service } from './protocol/answers.ts';
import { Parameters } from './protocol/parameters.ts';
import type { Account } from './state/account.ts';
import { uuid } from './state/ids.ts';
import type { AwsCall, AwsRequest, AwsResponse } from './types.ts';

/** The connection broke: there is no answer. */
export class ConnectionLost extends Error {
  readonly code = 'ECONNRESET';

  constructor() {
    super('socket hang up');
  }
}

interface HandlerContext {
  readonly account: Account;
  readonly clock: Clock;
  readonly faults: FaultList;
  readonly activity: Activity;
  /** Told of every call that was answered. */
  readonly log: (call: AwsCall) => void;
}

const services: Readonly<Record<Service, Actions>> = { autoscaling: autoScalingActions, ec2: ec2Actions };

/** Answers requests of both protocols. Throws {@link ConnectionLost} where a fault says so, and nothing else. */
export function createHandler({ account, clock, faults, activity, log }: HandlerContext): (request: AwsRequest) => Promise<AwsResponse> {
  // Ids of requests come from a source of their own: how often somebody asks must not change what happens.
  const random = seededRandom('aws-requests');
  return (request) =>
    activity.track(async () => {
      const requestId = uuid(random);
      const form = formOf(request);
      const service = serviceOf(form);
      const action = form.get('Action') ?? '';
      const given = [...form].filter(([name]) => name !== 'Action' && name !== 'Version');
      const note = (status: number, error?: string): void =>
        log({
          service,
          action,
          at: clock.now(),
          status,
          ...(error !== undefined && { error }),
          parameters: Object.fromEntries(given),
        });
      const refuse = (error: AwsError): AwsResponse => {
        note(error.status, error.code);
        return refusalOf(service, error, requestId);
      };
      const run = (): AwsResponse => {
        try {
          checkRequest(request, form);
          const result = actionOf(service, action)(account, parametersOf(service, given));
          note(200);
          return answerOf(service, action, result, requestId);
        } catch (error) {
          if (error instanceof AwsError) return refuse(inWordsOf(service, error));
          throw error;
        }
      };

      const fault = faults.strike(action, form.values());
      switch (fault?.kind) {
        case undefined:
          return run();
        case 'throttle':
          return refuse(throttled(service));
        case 'error':
          return refuse(new AwsError(fault.code, fault.message ?? fault.code, fault.status ?? 400));
        case 'html':
          note(500, 'html');
          return {
            status: 500,
            headers: { 'content-type': 'text/html' },
            body: '<html><body><h1>Internal Server Error</h1></body></html>',
          };
        case 'slow':
          await activity.park(() => sleep(clock, fault.ms));
          return run();
        case 'lost':
          run();
          throw new ConnectionLost();
        case 'drop':
          note(0, 'drop');
          throw new ConnectionLost();
      }
    });
}

function throttled(service: Service): AwsError {
  return service === 'ec2'
    ? new AwsError('RequestLimitExceeded', 'Request limit exceeded.', 503)
    : new AwsError('Throttling', 'Rate exceeded', 400);
}

function formOf({ target, body }: AwsRequest): URLSearchParams {
  const form = new URLSearchParams(body);
  const query = target.indexOf('?');
  if (query >= 0) for (const [name, value] of new URLSearchParams(target.slice(query + 1))) form.append(name, value);
  return form;
}

function serviceOf(form: URLSearchParams): Service {
  return form.get('Version') === apiVersions.ec2 ? 'ec2' : 'autoscaling';
}

/** Signatures are not verified, but whoever signs nothing at all would not get far with AWS. */
function checkRequest({ headers }: AwsRequest, form: URLSearchParams): void {
  if (headers['authorization'] === undefined && !form.has('X-Amz-Signature')) {
    throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
  }
  const version = form.get('Version');
  if (version !== apiVersions.ec2 && version !== apiVersions.autoscaling) {
    throw new AwsError('NoSuchVersion', `The requested version (${version ?? 'none'}) is not valid.`);
  }
}

function actionOf(service: Service, name: string): Actions[string] {
  const actions = services[service];
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action !== undefined) return action;
  throw new AwsError(
    'InvalidAction',
    service === 'ec2' ? `The action ${name} is not valid for this web service.` : `Could not find operation ${name} for version 2011-01-01`,
  );
}

function parametersOf(service: Service, given: readonly (readonly [string, string])[]): Parameters {
  const parameters = new Parameters(given.filter(([name]) => !name.startsWith('X-Amz-')));
  if (service === 'ec2' && parameters.flag('DryRun') === true) {
    throw new AwsError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
  }
  return parameters;
}

/** Auto Scaling has one code for all that is wrong with parameters. */
function inWordsOf(service: Service, error: AwsError): AwsError {
  const general = error.code === 'MissingParameter' || error.code === 'InvalidParameterValue';
  return service === 'autoscaling' && general ? new AwsError('ValidationError', error.message) : error;
}
