import type { PatchOperation } from './index.ts';
import {
  defaultContainerSizing,
  type Amounts,
  type ContainerRecommendation,
  type ContainerSizing,
  type Recommendation,
  type SizingPolicy,
} from '../model.ts';

type Texts = Readonly<Record<string, string>>;

export interface PodContainer {
  readonly name: string;
  readonly requests?: Texts | undefined;
  readonly limits?: Texts | undefined;
}

/** A pod as the API server sends it. */
export function podJson(containers: readonly PodContainer[], annotations?: Texts): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'shop', ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      containers: containers.map(({ name, requests, limits }) => ({
        name,
        image: 'web',
        ...(requests === undefined && limits === undefined
          ? {}
          : { resources: { ...(requests === undefined ? {} : { requests }), ...(limits === undefined ? {} : { limits }) } }),
      })),
    },
  };
}

export function recommended(container: string, target: Amounts, bounds: Partial<ContainerRecommendation> = {}): ContainerRecommendation {
  return { container, target, lowerBound: {}, upperBound: {}, uncappedTarget: target, ...bounds };
}

export function recommendation(...containers: readonly ContainerRecommendation[]): Recommendation {
  return { containers };
}

export function sizing(fields: Partial<ContainerSizing> = {}): ContainerSizing {
  return { ...defaultContainerSizing, ...fields };
}

export type TestPolicy = Pick<SizingPolicy, 'reference' | 'containers' | 'actuation' | 'injectedContainers' | 'startupBoost'>;

export function policy(fields: Partial<TestPolicy> = {}): TestPolicy {
  return {
    reference: { apiVersion: 'concertina.dev/v1alpha1', kind: 'VerticalPolicy', namespace: 'shop', name: 'web' },
    containers: [],
    actuation: 'Recreate',
    injectedContainers: 'Manage',
    startupBoost: undefined,
    ...fields,
  };
}

type Node = Record<string, unknown>;

/** The document after an RFC 6902 patch of `add` and `remove`; throws as an API server would. */
export function applyOperations(document: unknown, operations: readonly PatchOperation[]): Record<string, unknown> {
  const copy = structuredClone(document) as Node;
  for (const operation of operations) {
    const parts = operation.path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = parts.pop() ?? '';
    const parent = parts.reduce<unknown>((node, part) => (node as Node | undefined)?.[part], copy) as Node | undefined;
    if (parent === undefined) throw new Error(`no parent for ${operation.path}`);
    if (operation.op === 'remove') {
      if (!(last in parent)) throw new Error(`nothing at ${operation.path}`);
      delete parent[last];
    } else parent[last] = structuredClone(operation.value);
  }
  return copy;
}

interface PatchedContainer {
  readonly name: string;
  readonly resources?: { readonly requests?: Texts; readonly limits?: Texts };
}

export function containersOf(pod: unknown): readonly PatchedContainer[] {
  return (pod as { readonly spec: { readonly containers: readonly PatchedContainer[] } }).spec.containers;
}

export function annotationsOf(pod: unknown): Texts {
  return (pod as { readonly metadata: { readonly annotations?: Texts } }).metadata.annotations ?? {};
}
