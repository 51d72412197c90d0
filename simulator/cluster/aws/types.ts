import type { Clock, Random } from '../../../core/model/clock.ts';
import type { ActivityView } from '../api-server/activity.ts';
import type { Delay } from '../kubelet/delay.ts';
import type { AwsFaults } from './faults.ts';
import type { InstanceType, QuotaBucket } from './instance-types/types.ts';

/** How long AWS takes. All are drawn anew each time; milliseconds of the clock. */
export interface AwsTiming {
  /** From a change of the desired size until instances are launched or taken out; default 1–5 s. */
  readonly reaction: Delay;
  /** From the launch (`Pending`) until the instance runs and is `InService`; default 15–30 s. */
  readonly boot: Delay;
  /** From `Terminating` until the instance is gone from the group and `terminated`; default 20–40 s. */
  readonly shutdown: Delay;
  /** After a launch that failed, until it is tried again; default 60 s. */
  readonly retry: Delay;
  /** Until a group notices that an instance was terminated behind its back or called unhealthy; default 30–60 s. */
  readonly healthCheck: Delay;
  /** From an imbalance of the zones until it is looked at; default 5 min. */
  readonly rebalance: Delay;
  /** How long DescribeInstances still shows an instance that is terminated; default 1 h. */
  readonly retention: Delay;
}

/** A group that is there from the start; what CreateAutoScalingGroup and CreateLaunchTemplate would make of it. */
export interface GroupDefinition {
  readonly name: string;
  /** Default 0. */
  readonly minSize?: number;
  readonly maxSize: number;
  /** Default `minSize`. */
  readonly desiredCapacity?: number;
  /** One type: a launch template of that type. Several: a mixed instances policy with these overrides, first preferred. */
  readonly instanceTypes: readonly [string, ...string[]];
  /** Weights of the overrides, in their order; absent: every instance counts 1. */
  readonly weights?: readonly number[];
  /** Share of the instances that are on-demand; default 100. Other than 100 only with a mixed instances policy, which one type then has too. */
  readonly onDemandPercentage?: number;
  /** Default: all zones of the region. */
  readonly zones?: readonly string[];
  /** Default: an image of the endpoint for the first type's architecture. */
  readonly imageId?: string;
  /** The group's tags; they are propagated to its instances. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Such as `AZRebalance`; default none, as AWS. */
  readonly suspendedProcesses?: readonly string[];
  /** Whether the instances of the desired capacity run at once (default), or are launched as after a change of it. */
  readonly running?: boolean;
}

/** Where an instance stands in the life that its group gives it. */
export type LifecycleState = 'Pending' | 'InService' | 'Terminating' | 'Terminated';

/** EC2's name of an instance's state. */
export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated';

export interface InstanceView {
  readonly id: string;
  readonly type: InstanceType;
  readonly zone: string;
  readonly subnet: string;
  /** Node names are made of it: `ip-10-0-0-6.ec2.internal`. */
  readonly privateDnsName: string;
  readonly privateIp: string;
  readonly imageId: string;
  readonly state: InstanceState;
  readonly market: 'on-demand' | 'spot';
  /** Epoch milliseconds. */
  readonly launchedAt: number;
  /** Its group, also when it has left it; absent for an instance without one. */
  readonly group: string;
  readonly lifecycle: LifecycleState;
  readonly health: 'Healthy' | 'Unhealthy';
  readonly tags: Readonly<Record<string, string>>;
}

export interface GroupView {
  readonly name: string;
  readonly minSize: number;
  readonly maxSize: number;
  readonly desiredCapacity: number;
  readonly zones: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly suspendedProcesses: readonly string[];
  /** All that DescribeAutoScalingGroups lists, terminating ones too, oldest first. */
  readonly instances: readonly InstanceView[];
  /** Newest first. */
  readonly activities: readonly ActivitySummary[];
}

export interface ActivitySummary {
  readonly id: string;
  readonly status: 'PreInService' | 'InProgress' | 'Successful' | 'Failed' | 'Cancelled';
  readonly description: string;
  readonly cause: string;
  /** What went wrong; absent unless Failed or Cancelled. */
  readonly message?: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt?: number;
}

/** An instance has entered a state of EC2. */
export interface InstanceEvent {
  readonly type: 'pending' | 'running' | 'shutting-down' | 'terminated';
  readonly instance: InstanceView;
}

/** How many more instances can be launched of a type in a zone. Unlimited until set; launches take from it, terminations give back. */
export interface CapacityPools {
  /** `count` more instances, 0 for none; `undefined`: unlimited again. Without `market` for both. A shortage that ends is noticed at the next try. */
  set(pool: { readonly type: string; readonly zone: string; readonly market?: 'on-demand' | 'spot' }, count: number | undefined): void;
  /** Unlimited is Infinity. */
  available(pool: { readonly type: string; readonly zone: string; readonly market: 'on-demand' | 'spot' }): number;
}

/** One call as it was answered. */
export interface AwsCall {
  readonly service: 'autoscaling' | 'ec2';
  readonly action: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** HTTP status. */
  readonly status: number;
  /** AWS's code of the error; absent for a success. */
  readonly error?: string;
  /** The form as it was sent, without Action and Version. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface AwsRequest {
  readonly method: string;
  /** Path with the query, if any. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface AwsResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AwsEndpointOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default: the region with `a`, `b`, `c`. */
  readonly zones?: readonly string[];
  /** Default {@link defaultInstanceTypes}. */
  readonly instanceTypes?: readonly InstanceType[];
  readonly groups?: readonly GroupDefinition[];
  readonly timing?: Partial<AwsTiming>;
  /** vCPUs that may run of a kind of type; default unlimited. */
  readonly quotas?: Partial<Record<QuotaBucket, number>>;
  /** How many calls are kept in {@link AwsEndpoint.calls}; default 10 000. */
  readonly callLog?: number;
}

/** The part of an SDK client's `requestHandler` that is needed: `new AutoScalingClient({ requestHandler: aws.requestHandler() })`. */
export interface AwsRequestHandler {
  handle(
    request: SdkRequest,
    options?: { readonly abortSignal?: unknown },
  ): Promise<{ response: { statusCode: number; headers: Record<string, string>; body: Uint8Array } }>;
  destroy(): void;
  readonly metadata: { readonly handlerProtocol: string };
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

/** What an SDK client hands to its handler: @smithy/types' HttpRequest. */
export interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>> | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface AwsListener {
  /** `http://127.0.0.1:<port>`: what AWS_ENDPOINT_URL takes. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** AWS Auto Scaling and EC2 in process: a state machine on the clock behind the query protocols. */
export interface AwsEndpoint {
  readonly region: string;
  readonly zones: readonly string[];
  readonly instanceTypes: readonly InstanceType[];
  /** Makes a group with its launch template; throws RangeError where the API would refuse it. */
  defineGroup(definition: GroupDefinition): void;
  groups(): readonly GroupView[];
  group(name: string): GroupView | undefined;
  /** All instances that DescribeInstances shows, oldest first. */
  instances(): readonly InstanceView[];
  instance(id: string): InstanceView | undefined;
  /** Calls the listener at each change of an EC2 state from now on; the answer ends that. */
  onInstance(listener: (event: InstanceEvent) => void): () => void;
  readonly capacity: CapacityPools;
  /** Sets how many vCPUs may run of a kind of type; `undefined`: unlimited. */
  setQuota(bucket: QuotaBucket, vcpus: number | undefined): void;
  readonly faults: AwsFaults;
  /** The calls that were answered, oldest first. */
  calls(): readonly AwsCall[];
  clearCalls(): void;
  /** Answers one request of the query protocols. */
  handle(request: AwsRequest): Promise<AwsResponse>;
  /**
   * For SDK clients without sockets, under a virtual clock. Give such a client static credentials, a region and `maxAttempts: 1`: the SDK
   * waits for its retries in real time.
   */
  requestHandler(): AwsRequestHandler;
  /** Serves over HTTP on loopback. */
  listen(options?: { readonly port?: number; readonly host?: string }): Promise<AwsListener>;
  /** Requests under way; what a virtual clock's settling rule looks at. */
  activity(): ActivityView;
  /** Resolves when no request is under way. */
  settle(): Promise<void>;
  /** Cancels every timer and closes every listener. */
  stop(): Promise<void>;
}
