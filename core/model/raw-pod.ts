import type { NodeSelector, NodeSelectorTerm } from './node-selector.ts';
import type { LabelSelectorObject } from './selector.ts';

/** The parts of a pod's JSON that projectors read; everything may be absent. */
export interface RawResources {
  readonly requests?: Readonly<Record<string, unknown>> | null;
  readonly limits?: Readonly<Record<string, unknown>> | null;
}

export interface RawContainer {
  readonly name: string;
  readonly resources?: RawResources | null;
  readonly restartPolicy?: string | null;
  readonly resizePolicy?: readonly { readonly resourceName: string; readonly restartPolicy: string }[] | null;
  readonly ports?: readonly { readonly hostPort?: number; readonly hostIP?: string; readonly protocol?: string }[] | null;
}

export interface RawVolume {
  readonly name: string;
  readonly emptyDir?: { readonly medium?: string } | null;
  readonly hostPath?: object | null;
  readonly persistentVolumeClaim?: { readonly claimName: string } | null;
  readonly ephemeral?: object | null;
  readonly csi?: { readonly driver: string } | null;
}

export interface RawPodSpec {
  readonly containers?: readonly RawContainer[] | null;
  readonly initContainers?: readonly RawContainer[] | null;
  readonly overhead?: Readonly<Record<string, unknown>> | null;
  readonly resources?: RawResources | null;
  readonly nodeName?: string | null;
  readonly nodeSelector?: Readonly<Record<string, string>> | null;
  readonly affinity?: Affinity | null;
  readonly tolerations?: readonly Toleration[] | null;
  readonly topologySpreadConstraints?: readonly TopologySpreadConstraint[] | null;
  readonly priority?: number | null;
  readonly priorityClassName?: string | null;
  readonly preemptionPolicy?: string | null;
  readonly schedulerName?: string | null;
  readonly schedulingGates?: readonly { readonly name: string }[] | null;
  readonly restartPolicy?: string | null;
  readonly terminationGracePeriodSeconds?: number | null;
  readonly volumes?: readonly RawVolume[] | null;
  readonly resourceClaims?: readonly RawPodResourceClaim[] | null;
}

/** A claim on devices: an object's name, or that of the template of which each pod gets its own. */
export interface RawPodResourceClaim {
  readonly name: string;
  readonly resourceClaimName?: string | null;
  readonly resourceClaimTemplateName?: string | null;
}

/** As in the API. */
export interface Affinity {
  readonly nodeAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector | null;
    readonly preferredDuringSchedulingIgnoredDuringExecution?:
      readonly { readonly weight: number; readonly preference: NodeSelectorTerm }[] | null;
  } | null;
  readonly podAffinity?: PodAffinity | null;
  readonly podAntiAffinity?: PodAffinity | null;
}

export interface PodAffinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly PodAffinityTerm[] | null;
  readonly preferredDuringSchedulingIgnoredDuringExecution?:
    readonly { readonly weight: number; readonly podAffinityTerm: PodAffinityTerm }[] | null;
}

export interface PodAffinityTerm {
  readonly labelSelector?: LabelSelectorObject | null;
  readonly namespaceSelector?: LabelSelectorObject | null;
  readonly namespaces?: readonly string[] | null;
  readonly topologyKey: string;
  readonly matchLabelKeys?: readonly string[] | null;
  readonly mismatchLabelKeys?: readonly string[] | null;
}

/** As in the API. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

/** As in the API. */
export interface TopologySpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly whenUnsatisfiable: string;
  readonly labelSelector?: LabelSelectorObject | null;
  readonly minDomains?: number;
  readonly nodeAffinityPolicy?: string;
  readonly nodeTaintsPolicy?: string;
  readonly matchLabelKeys?: readonly string[] | null;
}

export interface RawContainerState {
  readonly waiting?: { readonly reason?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly startedAt?: string; readonly finishedAt?: string };
}

export interface RawContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: RawContainerState;
  readonly lastState?: RawContainerState;
  readonly resources?: RawResources | null;
  readonly allocatedResources?: Readonly<Record<string, unknown>> | null;
}

export interface RawPodStatus {
  readonly phase?: string;
  readonly startTime?: string;
  readonly qosClass?: string;
  readonly nominatedNodeName?: string;
  readonly conditions?:
    | readonly {
        readonly type: string;
        readonly status: string;
        readonly reason?: string;
        readonly message?: string;
        readonly lastTransitionTime?: string;
      }[]
    | null;
  readonly containerStatuses?: readonly RawContainerStatus[] | null;
  readonly initContainerStatuses?: readonly RawContainerStatus[] | null;
  /** Of the pod itself, in force and allocated. */
  readonly resources?: RawResources | null;
  readonly allocatedResources?: Readonly<Record<string, unknown>> | null;
  readonly resourceClaimStatuses?: readonly { readonly name: string; readonly resourceClaimName?: string | null }[] | null;
}
