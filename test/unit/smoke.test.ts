import { it } from 'vitest';
import { startVirtualJourneyCluster } from '../journeys/virtual-cluster.ts';
import { resourceTypes } from '../../core/model/object.ts';

it('smoke', async () => {
  const cluster = await startVirtualJourneyCluster(1);
  const ns = await cluster.namespace();
  const labels = { app: 'web' };
  await cluster.client.create(resourceTypes.deployments, {
    metadata: { name: 'web', namespace: ns },
    spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: 'web:1', resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: {memory: '512Mi'} } }] } } },
  });
  cluster.setLoad(ns, 'web', 900);
  await cluster.client.create(resourceTypes.verticalPolicies, { metadata: { name: 'web', namespace: ns }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } } });
  const decisions: string[] = [];
  const controller = await cluster.startController({ onDecision: (d) => { decisions.push(`${d.dimension} ${d.from}->${d.to} ${d.reason} ${d.message} [${d.holds.map(h=>h.by+': '+h.message).join('; ')}]`); } });
  for (let i = 0; i < 8; i++) {
    await cluster.elapse(60_000);
    const pods = await cluster.client.list(resourceTypes.pods, { namespace: ns });
    console.log(i, pods.items.map((p: any) => JSON.stringify(p.spec.containers[0].resources.requests)).join(' '));
  }
  const policy = await cluster.client.get(resourceTypes.verticalPolicies, { namespace: ns, name: 'web' });
  console.log(JSON.stringify(policy.status, null, 1));
  const checkpoints = await cluster.client.list(resourceTypes.verticalPolicyCheckpoints, { namespace: ns });
  console.log(JSON.stringify(checkpoints.items.map((c) => ({ spec: c.spec, status: c['status'] }))));
  console.log([...new Set(decisions)].slice(0, 20).join('\n'));
  console.log(controller.log.filter((l) => l.level !== 'debug').map((l) => `${l.level} ${l.message} ${JSON.stringify(l.fields ?? {})}`).join('\n').slice(0, 6000));
  const events = await cluster.client.list(resourceTypes.events, { namespace: ns });
  console.log(events.items.map((e: any) => `${e.reason}: ${e.note}`).join('\n'));
  await controller.stop();
  await cluster.stop();
}, 120_000);
