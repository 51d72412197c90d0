import type { Clock, Random } from '../../../core/model/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import type { ApiHandler, Registry } from '../api-server/types.ts';
import type { ScrapeSource } from './scraper.ts';

/** The Pods and Nodes that there are: whatever is not here is not answered, however well it is scraped. */
export interface MetricsObjects {
  pods(namespace?: string): readonly KubeObject[];
  pod(namespace: string, name: string): KubeObject | undefined;
  nodes(): readonly KubeObject[];
  node(name: string): KubeObject | undefined;
}

/** The objects of an embedded cluster. */
export function registryObjects(registry: Pick<Registry, 'get' | 'list'>): MetricsObjects {
  return {
    pods: (namespace) => registry.list(resourceTypes.pods, namespace),
    pod: (namespace, name) => registry.get(resourceTypes.pods, namespace, name),
    nodes: () => registry.list(resourceTypes.nodes),
    node: (name) => registry.get(resourceTypes.nodes, undefined, name),
  };
}

/** Ways in which a metrics source lies or fails; they hold as long as they are set. */
export interface MetricsFaults {
  /** Every request is answered 503. */
  unavailable: boolean;
  /** Lists are answered with success and nothing in them, single objects 404. */
  emptyList: boolean;
  /** Nodes that are not scraped: from the next round on they and their pods are gone. */
  readonly missingNodes: Set<string>;
  /** Containers (`namespace/pod/container`) that are left out of their pod. */
  readonly missingContainer: Set<string>;
  /** All usage is 0. */
  zeroForAll: boolean;
  /** Rounds bring nothing new: values and timestamps stand still. */
  staleTimestamps: boolean;
  /** Milliseconds added to every timestamp. */
  clockSkewMs: number;
  /** Share of the pods that are answered, 0…1; always the same ones for the same share. */
  partial: number;
}

/** One entry of the discovery document. */
export interface MetricsDiscoveryResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
}

export interface MetricsApiOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly source: ScrapeSource;
  readonly objects: MetricsObjects;
  /** Time between rounds of scrapes; default 15 000, as the official manifests set it. */
  readonly resolutionMs?: number;
  /** How long a node may take to answer; default 10 000, at most nine tenths of the resolution. */
  readonly scrapeTimeoutMs?: number;
}

export interface MetricsApi {
  readonly groupVersion: 'metrics.k8s.io/v1beta1';
  readonly discovery: readonly MetricsDiscoveryResource[];
  readonly handler: ApiHandler;
  readonly faults: MetricsFaults;
  start(): void;
  stop(): void;
  /** Whether the last round is recent (1.5 resolutions) and brought something that can be answered. */
  ready(): boolean;
}
