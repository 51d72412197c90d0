import { join } from 'node:path';
import { resourceTypes } from '../../../core/model/object.ts';
import type { ProcessController } from '../../journeys/process-controller.ts';
import type { ProcessJourneyCluster } from '../../journeys/process-cluster.ts';
import type { PodWrite, VpaRowsCluster } from '../../journeys/vpa-rows.ts';
import type { AuditRecord } from '../audit.ts';
import { deploy, kubectl } from '../installed-cluster.ts';
import { startRealJourneyCluster } from '../journey-cluster.ts';
import { freePorts } from '../ports.ts';
import type { RealCluster } from '../real-cluster.ts';
import type { Teardown } from '../teardown.ts';
import { verticalPodAutoscalerCheckpointCrd, verticalPodAutoscalerCrd } from './vertical-pod-autoscaler-crd.ts';

export interface RealVpaCluster {
  readonly real: RealCluster;
  readonly journeys: ProcessJourneyCluster;
  readonly rows: VpaRowsCluster;
  /** The copy that serves the webhook. */
  readonly serving: ProcessController;
  /** A copy without a webhook: the address of the other one is taken. */
  startAnother(): Promise<ProcessController>;
}

const passMs = 2_000;

/** A real control plane with the program installed, adopting VerticalPodAutoscalers, its webhook called by URL, and healthy. */
export async function startRealVpaCluster(teardown: Teardown): Promise<RealVpaCluster> {
  const started = await startRealJourneyCluster({
    flags: [`--vpa-interval=${passMs}ms`, `--vpa-update-interval=${passMs}ms`, '--vpa-shrink-after=0', '--adopt=vpa'],
  });
  teardown.add(() => started.stop());
  const { real, cluster } = started;
  for (const crd of [verticalPodAutoscalerCrd(), verticalPodAutoscalerCheckpointCrd()]) {
    await cluster.client.create(resourceTypes.customResourceDefinitions, crd);
  }
  await kubectl(real, 'apply', '-f', join(deploy, 'kustomize/components/adopt-vpa/rbac.yaml'));
  const [port] = await freePorts(1);
  const serving = await cluster.startProcess([`--admission-address=127.0.0.1:${port}`, `--admission-url=https://127.0.0.1:${port}`]);
  teardown.add(() => serving.stop());
  teardown.add(() => cluster.client.delete(resourceTypes.mutatingWebhookConfigurations, { name: 'concertina-vpa' }).catch(() => undefined));
  const rows: VpaRowsCluster = {
    ...cluster,
    timing: { ...cluster.timing, reaction: 30_000 },
    passMs,
    podWrites: async (namespace) =>
      ((await real.own?.audit?.auditWrites({ resource: 'pods', namespace })) ?? []).flatMap((record) => podWrite(record) ?? []),
  };
  await healthy(rows, serving);
  return { real, journeys: cluster, rows, serving, startAnother: () => cluster.startProcess() };
}

function podWrite({ objectRef, userAgent = '', responseStatus, requestReceivedTimestamp }: AuditRecord): PodWrite | undefined {
  const { subresource, namespace = '', name = '' } = objectRef ?? {};
  if (subresource !== 'resize' && subresource !== 'eviction') return undefined;
  return { at: Date.parse(requestReceivedTimestamp), userAgent, namespace, name, what: subresource, code: responseStatus?.code ?? 500 };
}

async function healthy(cluster: VpaRowsCluster, serving: ProcessController): Promise<void> {
  const renewed = async (): Promise<string> => {
    const { items } = await cluster.client.list(resourceTypes.leases, { namespace: 'concertina-system' });
    const lease = items.find(({ metadata }) => metadata.name === 'concertina-vpa-admission');
    return String((lease?.spec as { renewTime?: string } | undefined)?.renewTime ?? '');
  };
  const seen = new Set<string>();
  const twice = async (): Promise<boolean> => seen.add(await renewed()).size > 2;
  if (!(await cluster.until(twice, 60_000))) throw new Error(`admission did not become healthy:\n${serving.log()}`);
}
