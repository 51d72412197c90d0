/** Something that `concertina run` does to a type of object. */
export interface Right {
  /** API group, empty for the core group. */
  readonly group: string;
  /** `pods`, or `deployments/scale`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** The one object that is meant; absent: all. */
  readonly name?: string;
  /** `own`: in the namespace of the program only. A name: in that one. */
  readonly where: 'cluster' | 'own' | { readonly namespace: string };
  /** `extra`: without it the program works and says less, or only some policies need it. */
  readonly need: 'always' | 'extra';
  /** What fails without it: completes "needed for". */
  readonly purpose: string;
  /** Where it is granted; default: the base. */
  readonly grantedBy?: string;
}

const read = ['get', 'list', 'watch'];

function right(group: string, resource: string, verbs: readonly string[], purpose: string): Right {
  return { group, resource, verbs, where: 'cluster', need: 'always', purpose };
}

function apiService(name: string): Right {
  return {
    ...right(
      'apiregistration.k8s.io',
      'apiservices',
      ['get'],
      `noticing that another program takes over ${name.slice(name.indexOf('.') + 1)}`,
    ),
    name,
    need: 'extra',
  };
}

/** Everything that `deploy/kustomize/base/rbac.yaml` grants to the program; a test keeps the two equal. */
export const runRights: readonly Right[] = [
  right('', 'pods', read, 'knowing the pods'),
  right('', 'nodes', read, 'knowing the nodes'),
  right('', 'limitranges', read, 'requests that a namespace permits'),
  right('policy', 'poddisruptionbudgets', read, 'knowing which pods may be evicted'),
  right('metrics.k8s.io', 'pods', ['get', 'list'], 'usage of pods'),
  right('metrics.k8s.io', 'nodes', ['get', 'list'], 'usage of nodes'),
  { ...right('custom.metrics.k8s.io', '*', ['get', 'list'], 'Pods and Object metrics of any name'), need: 'extra' },
  { ...right('external.metrics.k8s.io', '*', ['get', 'list'], 'External metrics of any name'), need: 'extra' },
  apiService('v1beta1.metrics.k8s.io'),
  apiService('v1beta1.custom.metrics.k8s.io'),
  apiService('v1beta2.custom.metrics.k8s.io'),
  apiService('v1beta1.external.metrics.k8s.io'),
  right('concertina.dev', 'horizontalpolicies', read, 'reading policies'),
  right('concertina.dev', 'verticalpolicies', read, 'reading policies of requests'),
  right('concertina.dev', 'metricsources', read, 'reading MetricSources'),
  right('concertina.dev', 'horizontalpolicies/status', ['patch'], 'saying in a policy what was decided'),
  right('concertina.dev', 'verticalpolicies/status', ['patch'], 'saying in a policy which requests are recommended'),
  right('concertina.dev', 'metricsources/status', ['patch'], 'saying in a MetricSource how it does'),
  right('concertina.dev', 'verticalpolicycheckpoints', ['get', 'list', 'create', 'patch', 'delete'], 'keeping what was learnt of usage'),
  right('autoscaling', 'horizontalpodautoscalers', read, 'noticing another autoscaler on the same target'),
  right('autoscaling.k8s.io', 'verticalpodautoscalers', read, 'noticing another autoscaler on the same target'),
  right('apps', 'replicasets', read, 'telling whose the pods are'),
  right('apps', 'deployments', read, 'knowing Deployments and what their pods will ask for'),
  right('apps', 'statefulsets', read, 'knowing StatefulSets and what their pods will ask for'),
  right('apps', 'daemonsets', read, 'knowing DaemonSets and what their pods will ask for'),
  right('batch', 'jobs', read, 'telling whose the pods are'),
  right('batch', 'cronjobs', read, 'knowing CronJobs and what their pods will ask for'),
  right('', 'replicationcontrollers', read, 'knowing ReplicationControllers'),
  right('apps', 'deployments/scale', ['get', 'patch'], 'scaling Deployments'),
  right('apps', 'replicasets/scale', ['get', 'patch'], 'scaling ReplicaSets'),
  right('apps', 'statefulsets/scale', ['get', 'patch'], 'scaling StatefulSets'),
  right('', 'pods/resize', ['patch'], 'resizing pods in place'),
  right('', 'pods/eviction', ['create'], 'evicting pods whose requests are to change'),
  right('', 'pods', ['patch'], 'noting on a pod that it was resized'),
  right('apps', 'deployments', ['patch'], 'rolling a Deployment of one replica'),
  right('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', ['create'], 'registering the admission webhook'),
  {
    ...right('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', ['get', 'list', 'watch', 'patch'], 'keeping it registered'),
    name: 'concertina-vpa',
  },
  right('', 'events', ['create', 'patch'], 'Events about scalings'),
  right('', 'events', ['list', 'watch'], 'noticing pods that the kubelet evicts for want of memory'),
  { ...right('coordination.k8s.io', 'leases', ['create'], 'electing a leader'), where: 'own' },
  { ...right('coordination.k8s.io', 'leases', ['get', 'update'], 'electing a leader'), where: 'own', name: 'concertina' },
  {
    ...right('coordination.k8s.io', 'leases', ['get', 'patch'], 'saying that the admission webhook works'),
    where: 'own',
    name: 'concertina-vpa-admission',
  },
  { ...right('', 'secrets', ['get'], 'credentials of MetricSources'), where: 'own' },
  { ...right('', 'secrets', ['create'], 'certificates of the admission webhook'), where: 'own' },
  {
    ...right('', 'secrets', ['list', 'watch', 'patch'], 'certificates of the admission webhook'),
    where: 'own',
    name: 'concertina-vpa-admission',
  },
];
