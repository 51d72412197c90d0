/** Specs that the API server takes or refuses by the CRD of VerticalPolicy, on the embedded cluster as on a real one. */

type Spec = Readonly<Record<string, unknown>>;

const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

function container(policy: object): Spec {
  return { targetRef, resourcePolicy: { containerPolicies: [{ containerName: 'app', ...policy }] } };
}

const boost = (cpu: object): Spec => ({ targetRef, startupBoost: { cpu } });

export const acceptedSpecs: readonly { readonly name: string; readonly spec: Spec }[] = [
  { name: 'least', spec: { targetRef } },
  {
    name: 'a VerticalPodAutoscaler',
    spec: {
      targetRef,
      updatePolicy: {
        updateMode: 'Recreate',
        minReplicas: 3,
        evictAfterOOMSeconds: 60,
        evictionRequirements: [{ resources: ['cpu'], changeRequirement: 'TargetHigherThanRequests' }],
      },
      resourcePolicy: {
        containerPolicies: [
          {
            containerName: 'app',
            mode: 'Auto',
            minAllowed: { cpu: '100m', memory: '64Mi', 'ephemeral-storage': '1Gi' },
            maxAllowed: { cpu: 2, memory: 4294967296 },
            controlledResources: ['cpu', 'memory'],
            controlledValues: 'RequestsAndLimits',
            oomBumpUpRatio: 1,
            oomMinBumpUp: '100Mi',
            memoryAggregationIntervalSeconds: 86400,
            memoryAggregationIntervalCount: 8,
            startupBoost: { cpu: { type: 'Factor', factor: 2, durationSeconds: 10 } },
          },
          { containerName: '*', mode: 'Off' },
        ],
      },
      recommenders: [{ name: 'default' }],
      startupBoost: { cpu: { type: 'Quantity', quantity: 1 } },
    },
  },
  {
    name: 'every own field',
    spec: {
      targetRef,
      updatePolicy: { updateMode: 'Auto', singleReplica: 'Surge' },
      mode: 'DryRun',
      cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 86400 },
      horizontalPolicies: 'Yield',
      injectedContainers: 'Manage',
      estimation: {
        lowerBoundPercentile: { cpu: 0.5, memory: 1 },
        targetPercentile: { cpu: 0.5, memory: 1 },
        upperBoundPercentile: { cpu: 1, memory: 1 },
        margin: { cpu: 0, memory: 0.25 },
        halfLife: { cpu: '1m', memory: '168h' },
        podMinimum: { cpu: 0, memory: '0' },
      },
    },
  },
  { name: 'bounds that touch', spec: container({ minAllowed: { cpu: 1, memory: '1Gi' }, maxAllowed: { cpu: '1000m', memory: '1024Mi' } }) },
  { name: 'numbers against texts', spec: container({ minAllowed: { cpu: '1500m' }, maxAllowed: { cpu: 2 }, oomBumpUpRatio: '1' }) },
];

export const refusedSpecs: readonly {
  readonly name: string;
  readonly spec: Spec;
  /** A cause of the refusal. */
  readonly field: string;
  readonly words: RegExp;
}[] = [
  { name: 'no target', spec: {}, field: 'spec.targetRef', words: /Required value/ },
  {
    name: 'an unknown mode',
    spec: { targetRef, updatePolicy: { updateMode: 'Fast' } },
    field: 'spec.updatePolicy.updateMode',
    words: /"Fast".*supported values/,
  },
  {
    name: 'cpu below its least',
    spec: container({ minAllowed: { cpu: '1500m' }, maxAllowed: { cpu: 1 } }),
    field: 'spec.resourcePolicy.containerPolicies[0].maxAllowed',
    words: /maxAllowed.cpu must not be less than minAllowed.cpu/,
  },
  {
    name: 'memory below its least',
    spec: container({ minAllowed: { memory: '1Gi' }, maxAllowed: { memory: '1023Mi' } }),
    field: 'spec.resourcePolicy.containerPolicies[0].maxAllowed',
    words: /maxAllowed.memory must not be less than minAllowed.memory/,
  },
  {
    name: 'part of a byte',
    spec: container({ minAllowed: { memory: '100m' } }),
    field: 'spec.resourcePolicy.containerPolicies[0].minAllowed',
    words: /minAllowed.memory must be a whole number of bytes/,
  },
  {
    name: 'no quantity',
    spec: container({ maxAllowed: { cpu: 'lots' } }),
    field: 'spec.resourcePolicy.containerPolicies[0].maxAllowed.cpu',
    words: /"lots".*should match/,
  },
  {
    name: 'values of what is off',
    spec: container({ mode: 'Off', controlledValues: 'RequestsAndLimits' }),
    field: 'spec.resourcePolicy.containerPolicies[0].controlledValues',
    words: /RequestsAndLimits has no meaning with mode Off/,
  },
  {
    name: 'a ratio below 1',
    spec: container({ oomBumpUpRatio: '0.99' }),
    field: 'spec.resourcePolicy.containerPolicies[0].oomBumpUpRatio',
    words: /oomBumpUpRatio must be 1 or more/,
  },
  {
    name: 'a resource that nobody measures',
    spec: container({ controlledResources: ['storage'] }),
    field: 'spec.resourcePolicy.containerPolicies[0].controlledResources[0]',
    words: /"storage".*supported values/,
  },
  {
    name: 'two recommenders',
    spec: { targetRef, recommenders: [{ name: 'a' }, { name: 'b' }] },
    field: 'spec.recommenders',
    words: /at most 1/,
  },
  {
    name: 'a factor that is missing',
    spec: boost({ type: 'Factor' }),
    field: 'spec.startupBoost.cpu',
    words: /set factor with type Factor/,
  },
  {
    name: 'a factor too much',
    spec: boost({ type: 'Quantity', quantity: '1', factor: 2 }),
    field: 'spec.startupBoost.cpu',
    words: /set factor with type Factor, and only then/,
  },
  {
    name: 'a quantity that is missing',
    spec: boost({ type: 'Quantity' }),
    field: 'spec.startupBoost.cpu',
    words: /set quantity with type Quantity/,
  },
  {
    name: 'a target above the upper bound',
    spec: { targetRef, estimation: { targetPercentile: { cpu: 0.9 }, upperBoundPercentile: { cpu: 0.8 } } },
    field: 'spec.estimation.upperBoundPercentile',
    words: /upperBoundPercentile.cpu must not be less than targetPercentile.cpu/,
  },
  {
    name: 'a lower bound above the target, of a container',
    spec: container({ estimation: { lowerBoundPercentile: { memory: 0.95 }, targetPercentile: { memory: 0.9 } } }),
    field: 'spec.resourcePolicy.containerPolicies[0].estimation.targetPercentile',
    words: /targetPercentile.memory must not be less than lowerBoundPercentile.memory/,
  },
  {
    name: 'bounds that cross',
    spec: { targetRef, estimation: { lowerBoundPercentile: { cpu: 1 }, upperBoundPercentile: { cpu: 0.5 } } },
    field: 'spec.estimation.upperBoundPercentile',
    words: /upperBoundPercentile.cpu must not be less than lowerBoundPercentile.cpu/,
  },
  {
    name: 'a percentile in percent',
    spec: { targetRef, estimation: { targetPercentile: { cpu: 90 } } },
    field: 'spec.estimation.targetPercentile.cpu',
    words: /less than or equal to 1/,
  },
  {
    name: 'a half-life that is too short',
    spec: { targetRef, estimation: { halfLife: { cpu: '59s' } } },
    field: 'spec.estimation.halfLife.cpu',
    words: /must be from 1m to 8760h/,
  },
  {
    name: 'a half-life in days',
    spec: { targetRef, estimation: { halfLife: { memory: '7d' } } },
    field: 'spec.estimation.halfLife.memory',
    words: /"7d".*should match/,
  },
  {
    name: 'a cooldown of more than a day',
    spec: { targetRef, cooldown: { scaleUpSeconds: 86401 } },
    field: 'spec.cooldown.scaleUpSeconds',
    words: /86400/,
  },
];
