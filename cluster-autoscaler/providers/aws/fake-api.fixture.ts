import type { AwsApi } from './api.ts';
import type { AsgFacts, AsgInstance } from './asg.ts';
import type { CallResult } from './calls.ts';
import { providerIdOf, type InstanceTypeFacts, type LaunchTemplateData, type ScalingActivity } from './engine/index.ts';

/** Calls of AWS answered from memory: sizes change at once, instances come and go only as a test says. */
export interface FakeApi extends Omit<AwsApi, 'setDesiredCapacity'> {
  setDesiredCapacity: AwsApi['setDesiredCapacity'];
  readonly cloud: Map<string, AsgFacts>;
  readonly activitiesOf: Map<string, readonly ScalingActivity[]>;
  readonly templates: Map<string, LaunchTemplateData>;
  readonly configurations: Map<string, string>;
  readonly types: Map<string, InstanceTypeFacts>;
  /** Answer of EC2 to any requirements. */
  readonly meeting: string[];
  /** `call argument`, in order. */
  readonly calls: string[];
  /** Runs before a call is answered; may throw or wait. */
  before: (call: string) => Promise<void> | void;
}

export function asg(name: string, more: Partial<AsgFacts> & { readonly live?: number } = {}): AsgFacts {
  const { live = 2, ...facts } = more;
  const zone = 'us-east-1a';
  const instances: AsgInstance[] = Array.from({ length: live }, (_, index) => instance(`i-${name}-${index}`, zone));
  return {
    name,
    min: 1,
    max: 10,
    desired: live,
    zones: [zone],
    instances,
    tags: {},
    suspended: [],
    launch: { launchTemplate: { id: 'lt-1', name: 'template', version: '$Default' } },
    weighted: false,
    ...facts,
  };
}

export function instance(id: string, zone = 'us-east-1a', lifecycle = 'InService'): AsgInstance {
  return { instance: id, providerId: providerIdOf(zone, id), zone, lifecycle };
}

export function fakeApi(groups: readonly AsgFacts[]): FakeApi {
  const cloud = new Map(groups.map((group) => [group.name, group]));
  const calls: string[] = [];
  const answer = async <T>(call: string, value: () => T): Promise<T> => {
    calls.push(call);
    await api.before(call);
    return value();
  };
  const change = async (call: string, apply: () => void): Promise<CallResult<void>> => {
    calls.push(call);
    try {
      await api.before(call);
    } catch (cause) {
      const fault = {
        kind: 'refused',
        code: 'ValidationError',
        message: String(cause),
        call,
        group: undefined,
        attempts: 1,
        cause,
      } as const;
      return { ok: false, fault };
    }
    apply();
    return { ok: true, value: undefined };
  };
  const api: FakeApi = {
    region: 'us-east-1',
    cloud,
    calls,
    activitiesOf: new Map(),
    templates: new Map([['lt-1', { instanceType: 'm5.large' }]]),
    configurations: new Map(),
    types: new Map(),
    meeting: [],
    before: () => undefined,
    groupsByName: (names) => answer(`groups ${names.join()}`, () => names.flatMap((name) => cloud.get(name) ?? [])),
    groupsByTags: (filters) => answer(`tags ${filters.length}`, () => (filters.length === 0 ? [] : [...cloud.values()])),
    activities: (group) => answer(`activities ${group}`, () => api.activitiesOf.get(group) ?? []),
    setDesiredCapacity: (group, size) =>
      change(`set ${group} ${size}`, () => {
        const facts = cloud.get(group);
        if (facts !== undefined) cloud.set(group, { ...facts, desired: size });
      }),
    terminate: (group, id) =>
      change(`terminate ${id}`, () => {
        const facts = cloud.get(group);
        if (facts === undefined) return;
        const instances = facts.instances.map((each) => (each.instance === id ? { ...each, lifecycle: 'Terminating' } : each));
        cloud.set(group, { ...facts, desired: facts.desired - 1, instances });
      }),
    launchConfigurations: (names) =>
      answer(`configurations ${names.join()}`, () => new Map([...api.configurations].filter(([name]) => names.includes(name)))),
    launchTemplate: ({ id = '' }) => answer(`template ${id}`, () => api.templates.get(id)),
    typesFor: (_, image) => answer(`types for ${image}`, () => api.meeting),
    instanceTypes: (names) => answer(`types ${names.join()}`, () => new Map([...api.types].filter(([name]) => names.includes(name)))),
    close: () => void calls.push('close'),
  };
  return api;
}
