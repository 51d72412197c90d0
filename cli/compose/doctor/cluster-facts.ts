import type { KubeObject } from '../../../core/model/object.ts';
import type { DecisionSettings } from '../settings.ts';
import type { OtherAutoscalers } from './autoscalers.ts';
import type { DiscoveredServer } from './discovery-checks.ts';
import type { MetricsGroupFacts, UsageFacts } from './metrics-apis.ts';
import type { PolicyFacts } from './policies.ts';
import type { AskedQuery } from './query-checks.ts';
import type { Reading } from './reading.ts';
import type { AskedRight } from './rights-checks.ts';
import type { SourceFacts } from './sources.ts';
import type { TargetPods } from './target-pods.ts';
import type { RightsSubject } from './whose-rights.ts';
import type { NodesFacts } from './nodes-checks.ts';
import type { VerticalFacts } from './vertical-checks.ts';

/** Everything that was read of a cluster, before anything is said about it. */
export interface ClusterFacts {
  /** Epoch milliseconds of the cluster. */
  readonly now: number;
  readonly settings: DecisionSettings;
  /** Only this one was looked at; absent: all. */
  readonly namespace: string | undefined;
  readonly secretNamespace: string;
  readonly crds: readonly { readonly built: KubeObject; readonly installed: Reading<KubeObject> }[];
  readonly groups: readonly MetricsGroupFacts[];
  /** Absent when nobody serves usage. */
  readonly usage: UsageFacts | undefined;
  readonly policyList: Reading<readonly KubeObject[]>;
  /** With those of native HPAs. */
  readonly policies: readonly PolicyFacts[];
  readonly others: OtherAutoscalers;
  readonly pods: TargetPods;
  readonly nodes: Reading<readonly KubeObject[]>;
  readonly namespaces: Reading<readonly KubeObject[]>;
  readonly sources: Reading<readonly SourceFacts[]>;
  readonly subject: RightsSubject;
  readonly rights: readonly AskedRight[];
  /** Queries of policies that were asked, and how many were not. */
  readonly asked: readonly AskedQuery[];
  readonly notAsked: number;
  readonly servers: Reading<readonly DiscoveredServer[]>;
  readonly vertical: VerticalFacts;
  readonly nodeGroups: NodesFacts;
}
