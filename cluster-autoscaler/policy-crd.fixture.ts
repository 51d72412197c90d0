/** Specs that the API server takes or refuses by the CRD of NodePoolPolicy, on the embedded cluster as on a real one. */

type Spec = Readonly<Record<string, unknown>>;

const groups = [{ name: 'general-a' }];

export const acceptedSpecs: readonly { readonly name: string; readonly spec: Spec }[] = [
  { name: 'least', spec: { groups } },
  { name: 'a pattern', spec: { groups: [{ pattern: 'general-*' }] } },
  { name: 'tags', spec: { groups: [{ tags: { team: 'shop', 'k8s.io/cluster-autoscaler/enabled': '' } }] } },
  { name: 'a pattern with tags', spec: { groups: [{ pattern: '*-spot', tags: { team: 'shop' } }] } },
  { name: 'equal bounds', spec: { groups, minSize: 3, maxSize: 3 } },
  {
    name: 'everything',
    spec: {
      groups,
      minSize: 0,
      maxSize: 20,
      priority: 10,
      pricePerHour: 0.192,
      template: {
        labels: { 'example.com/pool': 'general' },
        taints: [{ key: 'dedicated', value: 'shop', effect: 'NoSchedule' }],
        capacity: { cpu: 4, memory: '16Gi', 'example.com/device': 1 },
        allocatable: { cpu: '3920m', memory: '14.5Gi' },
      },
      cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 600 },
      scaleUp: { maxProvisionSeconds: 600, maxStartupSeconds: 300, zeroOrMax: true },
      scaleDown: {
        utilizationThreshold: 0.65,
        gpuUtilizationThreshold: 0,
        unneededSeconds: 300,
        unreadySeconds: 900,
        ignoreDaemonSetsUtilization: true,
      },
      disruption: {
        maxNodes: '10%',
        windows: [{ name: 'office', timeZone: 'Europe/Berlin', start: '0 8 * * MON-FRI', durationSeconds: 36_000, maxNodes: 0 }],
      },
      mode: 'DryRun',
    },
  },
];

export const refusedSpecs: readonly { readonly name: string; readonly spec: Spec; readonly field: string; readonly words: RegExp }[] = [
  { name: 'no groups', spec: {}, field: 'spec.groups', words: /Required/ },
  { name: 'an empty list of groups', spec: { groups: [] }, field: 'spec.groups', words: /at least 1/ },
  { name: 'a group without a word', spec: { groups: [{}] }, field: 'spec.groups[0]', words: /set name alone, or pattern, tags or both/ },
  { name: 'a name with a pattern', spec: { groups: [{ name: 'a', pattern: 'a*' }] }, field: 'spec.groups[0]', words: /set name alone/ },
  {
    name: 'a maximum below the minimum',
    spec: { groups, minSize: 5, maxSize: 4 },
    field: 'spec.maxSize',
    words: /maxSize must not be less than minSize/,
  },
  { name: 'a negative minimum', spec: { groups, minSize: -1 }, field: 'spec.minSize', words: /greater than or equal to 0/ },
  {
    name: 'a threshold above 1',
    spec: { groups, scaleDown: { utilizationThreshold: 50 } },
    field: 'spec.scaleDown.utilizationThreshold',
    words: /less than or equal to 1/,
  },
  { name: 'an unknown mode', spec: { groups, mode: 'Off' }, field: 'spec.mode', words: /Unsupported value/ },
  {
    name: 'an unknown effect',
    spec: { groups, template: { taints: [{ key: 'a', effect: 'Never' }] } },
    field: 'spec.template.taints[0].effect',
    words: /Unsupported value/,
  },
  {
    name: 'a resource that is no quantity',
    spec: { groups, template: { capacity: { cpu: 'four' } } },
    field: 'spec.template.capacity.cpu',
    words: /should match/,
  },
  {
    name: 'a share without a sign',
    spec: { groups, disruption: { maxNodes: 'ten' } },
    field: 'spec.disruption.maxNodes',
    words: /should match/,
  },
];
