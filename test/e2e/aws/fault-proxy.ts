import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request as send } from 'undici';
import type { BenchFault } from '../../contract/aws-provider/suite.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { GroupMemory, when, type ProxyActivity, type ProxyTiming } from './group-memory.ts';
import { at, escape, parseXml, setText, textAt, writeXml, type XmlNode } from './xml-tree.ts';

export interface FaultProxyOptions {
  /** moto's address. */
  readonly upstream: string;
  readonly clock: Clock;
  readonly timing: ProxyTiming;
}

/**
 * Stands before moto and shows what AWS would where moto does otherwise: instances that come and go slowly, activities, launches that fail for want of
 * capacity, refusals of Auto Scaling with 400 instead of an HTML page, throttling.
 */
export interface FaultProxy {
  readonly url: string;
  /** Launches of the group fail from now on; the answer ends that. What was asked for meanwhile must be asked for again. */
  shortage(of: { readonly group: string; readonly type: string }): () => void;
  /** The next so many calls of the action are throttled. */
  throttle(action: string, times: number): void;
  /** The next so many calls of the action get this answer; faults of one action come one after the other. */
  fault(action: string, answer: BenchFault, times: number): void;
  /** Calls that have come so far, with what AWS would say of each: their HTTP status. */
  calls(): readonly ProxyCall[];
  close(): Promise<void>;
}

/** A call as it was answered; 0: its connection was broken. */
export interface ProxyCall {
  readonly action: string;
  readonly status: number;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

class Refusal extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The connection breaks instead of an answer. */
class Broken extends Error {}

const version = { autoscaling: '2011-01-01', ec2: '2016-11-15' } as const;

export async function startFaultProxy({ upstream, clock, timing }: FaultProxyOptions): Promise<FaultProxy> {
  const groups = new Map<string, GroupMemory>();
  const shortages = new Map<string, string>();
  const faults: { readonly action: string; readonly answer: BenchFault; left: number }[] = [];
  const calls: ProxyCall[] = [];

  const memory = (name: string): GroupMemory => {
    let found = groups.get(name);
    if (found === undefined) groups.set(name, (found = new GroupMemory(name, clock, timing)));
    return found;
  };

  const forward = async (headers: Record<string, string>, body: string): Promise<Answer> => {
    const answer = await send(upstream, { method: 'POST', headers, body });
    const type = answer.headers['content-type'];
    return { status: answer.statusCode, body: await answer.body.text(), ...(typeof type === 'string' && { type }) };
  };

  /** The proxy's own question about a group. */
  const look = async (name: string): Promise<XmlNode | undefined> => {
    const form = new URLSearchParams({
      Action: 'DescribeAutoScalingGroups',
      Version: version.autoscaling,
      'AutoScalingGroupNames.member.1': name,
    });
    const { body } = await forward(ownHeaders, form.toString());
    return at(parseXml(body), 'DescribeAutoScalingGroupsResult', 'AutoScalingGroups', 'member');
  };

  const note = async (name: string, named?: string): Promise<void> => {
    const group = await look(name);
    if (group === undefined) groups.delete(name);
    else memory(name).note(at(group, 'Instances')?.children ?? [], named);
  };

  const existing = async (name: string): Promise<XmlNode> => {
    const group = await look(name);
    if (group === undefined) throw new Refusal('ValidationError', `AutoScalingGroup name not found - AutoScalingGroup ${name} not found`);
    return group;
  };

  const setDesired = async (form: URLSearchParams, pass: (form: URLSearchParams) => Promise<Answer>): Promise<Answer> => {
    const name = form.get('AutoScalingGroupName') ?? '';
    const desired = Number(form.get('DesiredCapacity'));
    const group = await existing(name);
    const [min, max] = [Number(textAt(group, 'MinSize')), Number(textAt(group, 'MaxSize'))];
    if (desired > max)
      throw new Refusal('ValidationError', `New SetDesiredCapacity value ${desired} is above max value ${max} for the AutoScalingGroup.`);
    if (desired < min)
      throw new Refusal('ValidationError', `New SetDesiredCapacity value ${desired} is below min value ${min} for the AutoScalingGroup.`);
    const has = at(group, 'Instances')?.children.length ?? 0;
    const type = shortages.get(name);
    const known = memory(name);
    known.wanted = undefined;
    if (type === undefined || desired <= has) {
      const answer = await pass(form);
      await note(name);
      return answer;
    }
    known.wanted = desired;
    const zone = textAt(at(group, 'AvailabilityZones', 'member')) || 'us-east-1a';
    const startsAt = clock.now() + timing.reaction;
    known.add({
      description: 'Launching a new EC2 instance',
      cause: `${when(clock.now())} a user request explicitly set group desired capacity changing the desired capacity from ${has} to ${desired}.`,
      zone,
      startsAt,
      endsAt: startsAt,
      message:
        `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}). ` +
        'Our system will be working on provisioning additional capacity. Launching EC2 instance failed.',
    });
    const same = new URLSearchParams(form);
    same.set('DesiredCapacity', String(has));
    return pass(same);
  };

  const terminate = async (form: URLSearchParams, pass: (form: URLSearchParams) => Promise<Answer>): Promise<Answer> => {
    const id = form.get('InstanceId') ?? '';
    const owner = [...groups.values()].find(({ present, leaving }) => present.has(id) || leaving.has(id));
    if (owner === undefined)
      throw new Refusal('ValidationError', `Instance Id not found - No managed instance found for instance ID: ${id}`);
    const gone = owner.leaving.get(id);
    if (gone !== undefined)
      return success('TerminateInstanceInAutoScalingGroup', `<Activity>${activityXml(owner, gone.activity, clock.now())}</Activity>`);
    const group = await existing(owner.name);
    const min = Number(textAt(group, 'MinSize'));
    const decrement = form.get('ShouldDecrementDesiredCapacity') === 'true';
    if (decrement && (owner.wanted ?? Number(textAt(group, 'DesiredCapacity'))) <= min) {
      throw new Refusal(
        'ValidationError',
        `Currently, desiredSize equals minSize (${min}). Terminating instance without replacement will violate group's min size constraint. ` +
          "Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
      );
    }
    const answer = await pass(form);
    if (answer.status !== 200) return answer;
    if (decrement && owner.wanted !== undefined) owner.wanted -= 1;
    await note(owner.name, id);
    const activity = owner.leaving.get(id)?.activity;
    if (activity === undefined) return answer;
    return success('TerminateInstanceInAutoScalingGroup', `<Activity>${activityXml(owner, activity, clock.now())}</Activity>`);
  };

  const describeGroups = ({ body, ...answer }: Answer): Answer => {
    const document = parseXml(body);
    for (const group of at(document, 'DescribeAutoScalingGroupsResult', 'AutoScalingGroups')?.children ?? []) {
      const known = memory(textAt(group, 'AutoScalingGroupName'));
      const instances = at(group, 'Instances');
      known.note(instances?.children ?? []);
      if (instances !== undefined) instances.children = [...known.instances()];
      if (known.wanted !== undefined) setText(group, 'DesiredCapacity', String(known.wanted));
    }
    return { ...answer, body: writeXml(document) };
  };

  const describeInstances = ({ body, ...answer }: Answer): Answer => {
    const document = parseXml(body);
    const list = at(document, 'DescribeAutoScalingInstancesResult', 'AutoScalingInstances');
    if (list !== undefined) {
      list.children = list.children.filter((instance) => {
        const shown = memory(textAt(instance, 'AutoScalingGroupName'))
          .instances()
          .find((each) => textAt(each, 'InstanceId') === textAt(instance, 'InstanceId'));
        if (shown !== undefined) setText(instance, 'LifecycleState', textAt(shown, 'LifecycleState'));
        return shown !== undefined;
      });
    }
    return { ...answer, body: writeXml(document) };
  };

  const describeActivities = async (form: URLSearchParams): Promise<Answer> => {
    const name = form.get('AutoScalingGroupName');
    if (name !== null) await existing(name);
    const all = (name === null ? [...groups.values()] : [memory(name)]).flatMap((group) =>
      group.begun().map((activity) => ({ group, activity })),
    );
    const limit = Number(form.get('MaxRecords') ?? 100);
    const start = form.has('NextToken') ? all.findIndex(({ activity }) => activity.id === form.get('NextToken')) : 0;
    const page = all.slice(start, start + limit);
    const next = all[start + limit]?.activity.id;
    const members = page.map(({ group, activity }) => `<member>${activityXml(group, activity.id, clock.now())}</member>`).join('');
    return success(
      'DescribeScalingActivities',
      `<Activities>${members}</Activities>${next === undefined ? '' : `<NextToken>${next}</NextToken>`}`,
    );
  };

  const handle = async (headers: Record<string, string>, body: string): Promise<Answer> => {
    const form = new URLSearchParams(body);
    const action = form.get('Action') ?? '';
    const fault = faults.find((each) => each.action === action && each.left > 0);
    if (fault !== undefined) {
      fault.left -= 1;
      const { answer } = fault;
      if (answer.kind !== 'lost') return faultAnswer(answer, form.get('Version') === version.ec2);
      await carryOut(headers, form);
      throw new Broken();
    }
    return carryOut(headers, form);
  };

  const carryOut = async (headers: Record<string, string>, form: URLSearchParams): Promise<Answer> => {
    const action = form.get('Action') ?? '';
    const pass = (changed: URLSearchParams): Promise<Answer> => forward(headers, changed.toString());
    switch (action) {
      case 'SetDesiredCapacity':
        return setDesired(form, pass);
      case 'TerminateInstanceInAutoScalingGroup':
        return terminate(form, pass);
      case 'DescribeAutoScalingGroups':
        return describeGroups(await pass(form));
      case 'DescribeAutoScalingInstances':
        return describeInstances(await pass(form));
      case 'DescribeScalingActivities':
        return describeActivities(form);
      case 'CreateAutoScalingGroup':
      case 'UpdateAutoScalingGroup':
      case 'DeleteAutoScalingGroup': {
        const answer = await pass(form);
        await note(form.get('AutoScalingGroupName') ?? '');
        return answer;
      }
      default:
        return pass(form);
    }
  };

  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const form = new URLSearchParams(body);
    const note = (status: number): void => {
      const { Action: action = '', Version: _version, ...parameters } = Object.fromEntries(form);
      calls.push({ action, status, parameters });
    };
    const answer = await handle(passedOn(message), body).catch((error: unknown) => {
      if (error instanceof Refusal) return refusal(error, form.get('Version') === version.ec2);
      if (error instanceof Broken) note(0);
      throw error;
    });
    note(answer.status);
    response.writeHead(answer.status, { 'content-type': answer.type ?? 'text/xml', 'content-length': Buffer.byteLength(answer.body) });
    response.end(answer.body);
  };

  const server = createServer((message, response) => {
    serve(message, response).catch((error: unknown) => {
      if (response.headersSent || error instanceof Broken) response.destroy();
      else response.writeHead(502, { 'content-type': 'text/plain' }).end(String(error));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shortage: ({ group, type }) => {
      shortages.set(group, type);
      return () => void shortages.delete(group);
    },
    throttle: (action, times) => void faults.push({ action, answer: { kind: 'throttle' }, left: times }),
    fault: (action, answer, times) => void faults.push({ action, answer, left: times }),
    calls: () => calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What there is of a fault that is no effect with a lost answer. */
function faultAnswer(answer: Exclude<BenchFault, { kind: 'lost' }>, ofEc2: boolean): Answer {
  switch (answer.kind) {
    case 'throttle':
      throw ofEc2 ? new Refusal('RequestLimitExceeded', 'Request limit exceeded.', 503) : new Refusal('Throttling', 'Rate exceeded');
    case 'error':
      throw new Refusal(answer.code, answer.message ?? answer.code, answer.status);
    case 'html':
      return { status: 500, body: '<html><body>Internal Server Error</body></html>', type: 'text/html' };
    case 'drop':
      throw new Broken();
  }
}

/** moto finds the service of a request by the scope of its credential. */
const ownHeaders = {
  'content-type': 'application/x-www-form-urlencoded',
  authorization:
    'AWS4-HMAC-SHA256 Credential=proxy/20260101/us-east-1/autoscaling/aws4_request, SignedHeaders=host, Signature=0000000000000000',
};

function passedOn({ headers }: IncomingMessage): Record<string, string> {
  const { 'content-type': type = ownHeaders['content-type'], authorization = '', 'x-amz-date': date = '' } = headers;
  return { 'content-type': type, authorization, 'x-amz-date': String(date) };
}

function success(action: string, result: string): Answer {
  const open = `<${action}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">`;
  const body = `${open}<${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>proxy</RequestId></ResponseMetadata></${action}Response>`;
  return { status: 200, body };
}

function refusal({ code, message, status }: Refusal, ofEc2: boolean): Answer {
  const error = `<Code>${code}</Code><Message>${escape(message)}</Message>`;
  const body = ofEc2
    ? `<Response><Errors><Error>${error}</Error></Errors><RequestID>proxy</RequestID></Response>`
    : `<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><Error><Type>Sender</Type>${error}</Error><RequestId>proxy</RequestId></ErrorResponse>`;
  return { status, body };
}

function activityXml(group: GroupMemory, id: string, now: number): string {
  const activity = group.activities.find((each) => each.id === id);
  return activity === undefined
    ? ''
    : fieldsOf(activity, now)
        .map(([name, value]) => `<${name}>${escape(value)}</${name}>`)
        .join('');
}

function fieldsOf(activity: ProxyActivity, now: number): readonly (readonly [string, string])[] {
  const { id, group, description, cause, zone, startsAt, endsAt, message } = activity;
  const over = now >= endsAt;
  return [
    ['ActivityId', id],
    ['AutoScalingGroupName', group],
    ['Description', message === undefined ? description : `${description}.  Status Reason: ${message}`],
    ['Cause', cause],
    ['StartTime', new Date(startsAt).toISOString()],
    ...(over ? [['EndTime', new Date(endsAt).toISOString()] as const] : []),
    ['StatusCode', message !== undefined ? 'Failed' : over ? 'Successful' : 'InProgress'],
    ...(message === undefined ? [] : [['StatusMessage', message] as const]),
    ['Progress', over || message !== undefined ? '100' : '0'],
    ['Details', JSON.stringify({ 'Availability Zone': zone })],
  ];
}
