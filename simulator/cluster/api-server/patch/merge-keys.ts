/**
 * How a strategic merge patch treats a field, as the `patchStrategy` and `patchMergeKey` tags of the Go types say. A field that is not
 * in the table: objects merge, lists are atomic.
 */
export interface MergeNode {
  /** A list of objects merged by this key. */
  readonly key?: string;
  /** A list of primitives merged as a set. */
  readonly set?: boolean;
  /** `$retainKeys` applies (unions: volumes, deployment strategy). */
  readonly retainKeys?: boolean;
  /** An object that is replaced as a whole. */
  readonly atomic?: boolean;
  /** Fields of the object, or of each entry of the list. */
  readonly fields?: Readonly<Record<string, MergeNode>>;
}

const conditions: MergeNode = { key: 'type' };

export const metadataMerge: MergeNode = {
  fields: { ownerReferences: { key: 'uid' }, finalizers: { set: true } },
};

const container: MergeNode = {
  key: 'name',
  fields: {
    env: { key: 'name' },
    ports: { key: 'containerPort' },
    volumeMounts: { key: 'mountPath' },
    volumeDevices: { key: 'devicePath' },
  },
};

const podSpec: MergeNode = {
  fields: {
    containers: container,
    initContainers: container,
    ephemeralContainers: container,
    volumes: { key: 'name', retainKeys: true },
    imagePullSecrets: { key: 'name' },
    hostAliases: { key: 'ip' },
    topologySpreadConstraints: { key: 'topologyKey' },
    resourceClaims: { key: 'name', retainKeys: true },
    schedulingGates: { key: 'name' },
    nodeSelector: {},
    securityContext: {},
  },
};

const podTemplate: MergeNode = { fields: { metadata: metadataMerge, spec: podSpec } };

function object(fields: Readonly<Record<string, MergeNode>>): MergeNode {
  return { fields: { metadata: metadataMerge, ...fields } };
}

/** By storage key; kinds that are not here have no list that merges beside those of metadata. */
export const mergeKeys: Readonly<Record<string, MergeNode>> = {
  '/pods': object({
    spec: podSpec,
    status: { fields: { conditions, podIPs: { key: 'ip' }, hostIPs: { key: 'ip' }, resourceClaimStatuses: { key: 'name' } } },
  }),
  '/podtemplates': object({ template: podTemplate }),
  '/nodes': object({
    spec: { fields: { podCIDRs: { set: true }, taints: {} } },
    status: { fields: { conditions, addresses: { key: 'type' } } },
  }),
  '/namespaces': object({ status: { fields: { conditions } } }),
  '/services': object({
    spec: { fields: { ports: { key: 'port' } } },
    status: { fields: { conditions } },
  }),
  '/serviceaccounts': object({ secrets: { key: 'name' } }),
  '/persistentvolumeclaims': object({ status: { fields: { conditions } } }),
  '/replicationcontrollers': object({ spec: { fields: { template: podTemplate } }, status: { fields: { conditions } } }),
  'apps/deployments': object({
    spec: { fields: { template: podTemplate, strategy: { retainKeys: true } } },
    status: { fields: { conditions } },
  }),
  'apps/replicasets': object({ spec: { fields: { template: podTemplate } }, status: { fields: { conditions } } }),
  'apps/statefulsets': object({ spec: { fields: { template: podTemplate } }, status: { fields: { conditions } } }),
  'apps/daemonsets': object({ spec: { fields: { template: podTemplate } }, status: { fields: { conditions } } }),
  'batch/jobs': object({ spec: { fields: { template: podTemplate } }, status: { fields: { conditions } } }),
  'batch/cronjobs': object({
    spec: { fields: { jobTemplate: { fields: { spec: { fields: { template: podTemplate } } } } } },
  }),
  'policy/poddisruptionbudgets': object({ spec: { fields: { selector: { atomic: true } } }, status: { fields: { conditions } } }),
  'autoscaling/horizontalpodautoscalers': object({ status: { fields: { conditions } } }),
  'networking.k8s.io/networkpolicies': object({}),
  'discovery.k8s.io/endpointslices': object({}),
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': object({ webhooks: { key: 'name' } }),
  'admissionregistration.k8s.io/validatingwebhookconfigurations': object({ webhooks: { key: 'name' } }),
  'apiregistration.k8s.io/apiservices': object({ status: { fields: { conditions } } }),
};

export const defaultMerge: MergeNode = object({});
