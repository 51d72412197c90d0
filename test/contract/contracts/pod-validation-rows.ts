/** Reason, field and message of a cause. */
export type Cause = readonly [reason: string, field: string, message: string];

/** What is wrong with a pod's spec, and what the server says of it; in a workload's template it says the same below `spec.template`. */
export interface Refusal {
  readonly what: string;
  /** Beside one container of the usual kind, or instead of it. The pod has the labels `app` and `tier`. */
  readonly spec: object;
  /** All of them, in the server's order. */
  readonly causes: readonly Cause[];
  /** A template is not refused for it. */
  readonly podOnly?: boolean;
  /** In a template a limit is not the request too, so that nothing is said of requests. */
  readonly limitsOnly?: boolean;
}

const labelSelector = { matchLabels: { app: 'p' } };
const spread = (fields: object): object => ({
  maxSkew: 1,
  topologyKey: 'zone',
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector,
  ...fields,
});
const spreads = (...fields: readonly object[]): object => ({ topologySpreadConstraints: fields.map(spread) });
const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
const soft = 'preferredDuringSchedulingIgnoredDuringExecution';
const container = (fields: object): object => ({ name: 'c', image: 'registry.example/c:1', ...fields });
const containers = (...fields: readonly object[]): object => ({ containers: fields.map(container) });
const resources = (of: object): object => containers({ resources: of });
const nodeTerms = (...matchExpressions: readonly object[]): object => ({
  affinity: { nodeAffinity: { [hard]: { nodeSelectorTerms: [{ matchExpressions }] } } },
});

const first = 'spec.topologySpreadConstraints[0]';
const limits = 'spec.containers[0].resources.limits';
const requests = 'spec.containers[0].resources.requests';
const terms = `spec.affinity.nodeAffinity.${hard}.nodeSelectorTerms`;
const nameText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const invalid = (field: string, value: unknown, detail: string): Cause => [
  'FieldValueInvalid',
  field,
  `Invalid value: ${JSON.stringify(value)}: ${detail}`,
];
const required = (field: string, detail = ''): Cause => [
  'FieldValueRequired',
  field,
  `Required value${detail === '' ? '' : `: ${detail}`}`,
];
const forbidden = (field: string, detail: string): Cause => ['FieldValueForbidden', field, `Forbidden: ${detail}`];
const duplicate = (field: string, value: unknown): Cause => ['FieldValueDuplicate', field, `Duplicate value: ${JSON.stringify(value)}`];
const notSupported = (field: string, value: string, ...supported: readonly string[]): Cause => [
  'FieldValueNotSupported',
  field,
  `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`,
];

export const podRefusals: readonly Refusal[] = [
  {
    what: 'two spread constraints of one topology key and one action',
    spec: spreads({}, { maxSkew: 2 }),
    causes: [duplicate(`${first}.{topologyKey, whenUnsatisfiable}`, '{zone, DoNotSchedule}')],
  },
  {
    what: 'three of them: the last is not named',
    spec: spreads({}, { maxSkew: 2 }, { maxSkew: 3 }),
    causes: [0, 1].map((at) =>
      duplicate(`spec.topologySpreadConstraints[${at}].{topologyKey, whenUnsatisfiable}`, '{zone, DoNotSchedule}'),
    ),
  },
  {
    what: 'a spread constraint without skew, topology key and action',
    spec: { topologySpreadConstraints: [{ labelSelector }] },
    causes: [
      invalid(`${first}.maxSkew`, 0, 'must be greater than zero'),
      required(`${first}.topologyKey`, 'can not be empty'),
      notSupported(`${first}.whenUnsatisfiable`, '', 'DoNotSchedule', 'ScheduleAnyway'),
    ],
  },
  {
    what: 'minimum domains with ScheduleAnyway',
    spec: spreads({ whenUnsatisfiable: 'ScheduleAnyway', minDomains: 0 }),
    causes: [
      invalid(`${first}.minDomains`, 0, 'must be greater than zero'),
      invalid(`${first}.minDomains`, 0, 'can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway'),
    ],
  },
  {
    what: 'unknown inclusion policies',
    spec: spreads({ nodeAffinityPolicy: 'Maybe', nodeTaintsPolicy: 'Perhaps' }),
    causes: [
      notSupported(`${first}.nodeAffinityPolicy`, 'Maybe', 'Honor', 'Ignore'),
      notSupported(`${first}.nodeTaintsPolicy`, 'Perhaps', 'Honor', 'Ignore'),
    ],
  },
  {
    what: 'matchLabelKeys with a key that the labelSelector has',
    spec: spreads({ matchLabelKeys: ['tier', 'app'] }),
    causes: [invalid(`${first}[1]`, 'app', 'exists in both matchLabelKeys and labelSelector')],
    podOnly: true,
  },
  {
    what: 'matchLabelKeys of an affinity with a key that the labelSelector has',
    spec: { affinity: { podAffinity: { [hard]: [{ topologyKey: 'zone', labelSelector, matchLabelKeys: ['app'] }] } } },
    causes: [invalid(`spec.affinity.podAffinity.${hard}[0][0]`, 'app', 'exists in both matchLabelKeys and labelSelector')],
    podOnly: true,
  },
  {
    what: 'matchLabelKeys without a labelSelector, and one that is no label',
    spec: spreads({ labelSelector: undefined, matchLabelKeys: ['app'] }, { topologyKey: 'host', matchLabelKeys: ['a b'] }),
    causes: [
      forbidden(`${first}.matchLabelKeys`, 'must not be specified when labelSelector is not set'),
      invalid('spec.topologySpreadConstraints[1].matchLabelKeys[0]', 'a b', nameText),
    ],
  },
  {
    what: 'one key in matchLabelKeys and mismatchLabelKeys',
    spec: {
      affinity: {
        podAntiAffinity: { [hard]: [{ topologyKey: 'zone', labelSelector, matchLabelKeys: ['tier'], mismatchLabelKeys: ['tier'] }] },
      },
    },
    // In a pod the key is in the merged selector twice as well.
    causes: [
      invalid(`spec.affinity.podAntiAffinity.${hard}[0][0]`, 'tier', 'exists in both matchLabelKeys and labelSelector'),
      invalid(`spec.affinity.podAntiAffinity.${hard}[0].matchLabelKeys[0]`, 'tier', 'exists in both matchLabelKeys and mismatchLabelKeys'),
    ],
    podOnly: true,
  },
  {
    what: 'a broken selector of a spread constraint',
    spec: spreads({
      labelSelector: {
        matchLabels: { 'a b': 'c d' },
        matchExpressions: [
          { key: 'x', operator: 'In' },
          { key: 'x', operator: 'Exists', values: ['y'] },
          { key: 'x', operator: 'Near' },
        ],
      },
    }),
    causes: [
      invalid(`${first}.labelSelector.matchLabels`, 'a b', nameText),
      invalid(`${first}.labelSelector.matchLabels`, 'c d', valueText),
      required(`${first}.labelSelector.matchExpressions[0].values`, "must be specified when `operator` is 'In' or 'NotIn'"),
      forbidden(`${first}.labelSelector.matchExpressions[1].values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      invalid(`${first}.labelSelector.matchExpressions[2].operator`, 'Near', 'not a valid selector operator'),
    ],
  },
  {
    what: 'affinity and anti-affinity without a topology key',
    spec: {
      affinity: {
        podAffinity: { [hard]: [{ labelSelector }] },
        podAntiAffinity: { [soft]: [{ weight: 1, podAffinityTerm: { labelSelector } }] },
      },
    },
    causes: [`podAffinity.${hard}[0]`, `podAntiAffinity.${soft}[0].podAffinityTerm`].flatMap((term) => [
      required(`spec.affinity.${term}.topologyKey`, 'can not be empty'),
      invalid(`spec.affinity.${term}.topologyKey`, '', 'name part must be non-empty'),
      invalid(`spec.affinity.${term}.topologyKey`, '', nameText),
    ]),
  },
  {
    what: 'weights outside 1 to 100',
    spec: {
      affinity: {
        nodeAffinity: { [soft]: [{ weight: 101, preference: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }] },
        podAffinity: { [soft]: [{ weight: 0, podAffinityTerm: { topologyKey: 'zone', labelSelector } }] },
        podAntiAffinity: { [soft]: [{ weight: -5, podAffinityTerm: { topologyKey: 'zone', labelSelector } }] },
      },
    },
    causes: [
      invalid(`spec.affinity.nodeAffinity.${soft}[0].weight`, 101, 'must be in the range 1-100'),
      invalid(`spec.affinity.podAffinity.${soft}[0].weight`, 0, 'must be in the range 1-100'),
      invalid(`spec.affinity.podAntiAffinity.${soft}[0].weight`, -5, 'must be in the range 1-100'),
    ],
  },
  {
    what: 'a namespace that is no name',
    spec: { affinity: { podAffinity: { [hard]: [{ topologyKey: 'zone', labelSelector, namespaces: ['A'] }] } } },
    causes: [
      invalid(
        `spec.affinity.podAffinity.${hard}[0].namespace`,
        'A',
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ),
    ],
  },
  {
    what: 'required node affinity without terms',
    spec: { affinity: { nodeAffinity: { [hard]: { nodeSelectorTerms: [] } } } },
    causes: [required(terms, 'must have at least one node selector term')],
  },
  {
    what: 'node requirements that cannot be read',
    spec: nodeTerms(
      { key: 'a', operator: 'In' },
      { key: 'a', operator: 'Gt', values: ['1', '2'] },
      { key: 'a', operator: 'Near' },
      { key: 'a', operator: 'In', values: ['a b'] },
    ),
    causes: [
      required(`${terms}[0].matchExpressions[0].values`, "must be specified when `operator` is 'In' or 'NotIn'"),
      required(`${terms}[0].matchExpressions[1].values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"),
      invalid(`${terms}[0].matchExpressions[2].operator`, 'Near', 'not a valid selector operator'),
      invalid(`${terms}[0].matchExpressions[3].values[0]`, 'a b', valueText),
    ],
  },
  {
    what: 'node fields that cannot be selected',
    spec: {
      affinity: {
        nodeAffinity: {
          [hard]: {
            nodeSelectorTerms: [
              {
                matchFields: [
                  { key: 'metadata.uid', operator: 'In', values: ['a'] },
                  { key: 'metadata.name', operator: 'Exists' },
                  { key: 'metadata.name', operator: 'In', values: ['a', 'b'] },
                ],
              },
            ],
          },
        },
      },
    },
    causes: [
      invalid(`${terms}[0].matchFields[0].key`, 'metadata.uid', 'not a valid field selector key'),
      invalid(`${terms}[0].matchFields[1].operator`, 'Exists', 'not a valid selector operator'),
      required(`${terms}[0].matchFields[2].values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
    ],
  },
  {
    what: 'a node selector that is no label',
    spec: { nodeSelector: { disk: 'a b' } },
    causes: [invalid('spec.nodeSelector', 'a b', valueText)],
  },
  {
    what: 'tolerations of unknown operators and effects',
    spec: {
      tolerations: [
        { key: 'a', operator: 'Near' },
        { key: 'a', operator: 'Exists', effect: 'Never' },
        { operator: 'Equal', value: 'x' },
        { key: 'a', operator: 'Exists', value: 'x' },
        { key: 'a', value: 'a b' },
        { key: 'a', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 3 },
        { key: 'a b', operator: 'Exists' },
      ],
    },
    causes: [
      notSupported('spec.tolerations[0].operator', 'Near', 'Equal', 'Exists'),
      notSupported('spec.tolerations[1].effect', 'Never', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'),
      invalid(
        'spec.tolerations[2].operator',
        'Equal',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
      invalid('spec.tolerations[3].operator', 'x', "value must be empty when `operator` is 'Exists'"),
      invalid('spec.tolerations[4].operator', 'a b', valueText),
      invalid('spec.tolerations[5].effect', 'NoSchedule', "effect must be 'NoExecute' when `tolerationSeconds` is set"),
      invalid('spec.tolerations[6].key', 'a b', nameText),
    ],
  },
  {
    what: 'the numeric toleration operators, which are alpha',
    spec: {
      tolerations: [
        { key: 'a', operator: 'Gt', value: '5' },
        { key: 'a', operator: 'Lt', value: '5' },
      ],
    },
    causes: ['Gt', 'Lt'].map((operator, at) => notSupported(`spec.tolerations[${at}].operator`, operator, 'Equal', 'Exists', 'Lt', 'Gt')),
  },
  {
    what: 'scheduling gates that are no names, or one twice',
    spec: { schedulingGates: [{ name: 'a' }, { name: 'a' }, { name: '-' }] },
    causes: [duplicate('spec.schedulingGates[1]', 'a'), invalid('spec.schedulingGates[2]', '-', nameText)],
  },
  {
    what: 'negative quantities',
    limitsOnly: true,
    spec: resources({ limits: { memory: '-1Gi' } }),
    causes: [
      invalid(`${limits}[memory]`, '-1Gi', 'must be greater than or equal to 0'),
      invalid(`${requests}[memory]`, '-1Gi', 'must be greater than or equal to 0'),
    ],
  },
  {
    what: 'a request above its limit',
    spec: resources({ requests: { memory: '2Gi' }, limits: { memory: '1Gi' } }),
    causes: [invalid(requests, '2Gi', 'must be less than or equal to memory limit of 1Gi')],
  },
  {
    what: 'a vendor’s resource that is requested without a limit',
    spec: resources({ requests: { 'example.com/gpu': '1' } }),
    causes: [required(limits, 'Limit must be set for non overcommitable resources')],
  },
  {
    what: 'a vendor’s resource whose request is below its limit',
    spec: resources({ requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '2' } }),
    causes: [invalid(requests, '1', 'must be equal to example.com/gpu limit of 2')],
  },
  {
    what: 'half of a vendor’s resource',
    limitsOnly: true,
    spec: resources({ limits: { 'example.com/gpu': '500m' } }),
    causes: [`${limits}[example.com/gpu]`, `${requests}[example.com/gpu]`].map((at) => invalid(at, '500m', 'must be an integer')),
  },
  {
    what: 'resources that no container has',
    spec: resources({ requests: { gpu: '1' } }),
    causes: [
      invalid(`${requests}[gpu]`, 'gpu', 'must be a standard resource type or fully qualified'),
      invalid(`${requests}[gpu]`, 'gpu', 'must be a standard resource for containers'),
    ],
  },
  {
    what: 'huge pages alone, and not a multiple of their size',
    limitsOnly: true,
    spec: resources({ limits: { 'hugepages-2Mi': '3Mi' } }),
    causes: [
      invalid(`${limits}[hugepages-2Mi]`, '3Mi', '3Mi is not positive integer multiple of hugepages-2Mi'),
      invalid(`${requests}[hugepages-2Mi]`, '3Mi', '3Mi is not positive integer multiple of hugepages-2Mi'),
      forbidden('spec.containers[0].resources', 'HugePages require cpu or memory'),
    ],
  },
  {
    what: 'requests of the pod below those of its containers',
    spec: {
      ...containers({ resources: { requests: { cpu: '2' } } }, { name: 'd', resources: { requests: { cpu: '1' } } }),
      resources: { requests: { cpu: '1' } },
    },
    causes: [invalid('spec.resources.requests[cpu]', '1', 'must be greater than or equal to aggregate container requests of 3')],
  },
  {
    what: 'a limit of a container above that of the pod',
    spec: { ...resources({ limits: { cpu: '2' }, requests: { cpu: '1' } }), resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } },
    causes: [invalid('spec.resources.containers[0][cpu].limits', '2', 'must be less than or equal to pod limits of 1')],
  },
  {
    what: 'resources that no pod has',
    spec: { resources: { requests: { 'ephemeral-storage': '1Gi' } } },
    causes: [notSupported('spec.resources.requests[ephemeral-storage]', 'ephemeral-storage', 'cpu', 'hugepages-', 'memory')],
  },
  {
    what: 'one host port twice',
    spec: containers(
      { ports: [{ containerPort: 80, hostPort: 80 }] },
      {
        name: 'd',
        ports: [
          { containerPort: 81, hostPort: 80 },
          { containerPort: 82, hostPort: 80, protocol: 'UDP' },
        ],
      },
    ),
    causes: [duplicate('spec.containers[1].ports[0].hostPort', 'TCP//80')],
  },
  {
    what: 'ports that are none, and names of ports',
    spec: containers({
      ports: [
        { name: 'web', containerPort: 70_000 },
        { name: 'web', containerPort: 81, hostPort: -1 },
        { name: 'Much-Too-Long-A-Name', containerPort: 82 },
        { protocol: 'HTTP', containerPort: 83 },
        {},
      ],
    }),
    causes: [
      invalid('spec.containers[0].ports[0].containerPort', 70_000, 'must be between 1 and 65535, inclusive'),
      duplicate('spec.containers[0].ports[1].name', 'web'),
      invalid('spec.containers[0].ports[1].hostPort', -1, 'must be between 1 and 65535, inclusive'),
      invalid('spec.containers[0].ports[2].name', 'Much-Too-Long-A-Name', 'must be no more than 15 characters'),
      invalid(
        'spec.containers[0].ports[2].name',
        'Much-Too-Long-A-Name',
        'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      ),
      notSupported('spec.containers[0].ports[3].protocol', 'HTTP', 'SCTP', 'TCP', 'UDP'),
      required('spec.containers[0].ports[4].containerPort'),
    ],
  },
  {
    what: 'another host port than the container’s on the host’s network',
    spec: { hostNetwork: true, ...containers({ ports: [{ containerPort: 80, hostPort: 81 }] }) },
    causes: [invalid('spec.containers[0].ports[0].hostPort', 81, 'must match `containerPort` when `hostNetwork` is true')],
  },
  {
    what: 'one name of containers in both lists',
    spec: { ...containers({}), initContainers: [container({})] },
    causes: [duplicate('spec.initContainers[0].name', 'c')],
  },
  {
    what: 'probes of init containers that are no sidecars, and a restart on resize',
    spec: {
      ...containers({}),
      initContainers: [
        container({
          name: 'i',
          readinessProbe: { httpGet: { port: 80 } },
          resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }],
        }),
      ],
    },
    causes: [
      forbidden('spec.initContainers[0].readinessProbe', 'may not be set for init containers without restartPolicy=Always'),
      invalid(
        'spec.initContainers[0].resizePolicy[0].restartPolicy',
        'RestartContainer',
        "must not be set to 'RestartContainer' for non-sidecar initContainers",
      ),
    ],
  },
  {
    what: 'a resize policy of other resources, or one twice',
    spec: containers({
      resizePolicy: [
        { resourceName: 'cpu', restartPolicy: 'NotRequired' },
        { resourceName: 'cpu', restartPolicy: 'Sometimes' },
        { resourceName: 'storage', restartPolicy: 'NotRequired' },
      ],
    }),
    causes: [
      duplicate('spec.containers[0].resizePolicy[1]', 'cpu'),
      notSupported('spec.containers[0].resizePolicy', 'Sometimes', 'NotRequired', 'RestartContainer'),
      notSupported('spec.containers[0].resizePolicy', 'storage', 'cpu', 'memory'),
    ],
  },
  {
    what: 'policies that there are not',
    spec: { ...containers({ imagePullPolicy: 'Often', terminationMessagePolicy: 'Loud', restartPolicy: 'Maybe' }), dnsPolicy: 'Odd' },
    causes: [
      notSupported('spec.containers[0].terminationMessagePolicy', 'Loud', 'File', 'FallbackToLogsOnError'),
      notSupported('spec.containers[0].imagePullPolicy', 'Often', 'Always', 'IfNotPresent', 'Never'),
      notSupported('spec.containers[0].restartPolicy', 'Maybe', 'Always', 'Never', 'OnFailure'),
      notSupported('spec.dnsPolicy', 'Odd', 'ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'),
    ],
  },
  {
    what: 'a node and a gate at once',
    spec: { nodeName: 'n', schedulingGates: [{ name: 'a' }] },
    causes: [forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')],
    podOnly: true,
  },
  {
    what: 'a deadline of nothing',
    spec: { activeDeadlineSeconds: 0 },
    causes: [invalid('spec.activeDeadlineSeconds', 0, 'must be between 1 and 2147483647, inclusive')],
    podOnly: true,
  },
  {
    what: 'whitespace around an image',
    spec: containers({ image: ' registry.example/c:1' }),
    causes: [invalid('spec.containers[0].image', ' registry.example/c:1', 'must not have leading or trailing whitespace')],
    podOnly: true,
  },
];
