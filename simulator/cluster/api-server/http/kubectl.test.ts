import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../../../core/runtime/clock.ts';
import { createApiServer } from '../index.ts';
import { nodeObject, podObject, seeded, types } from '../testing/harness.ts';

function kubectlVersion(): string | undefined {
  try {
    return execFileSync('kubectl', ['version', '--client', '-o', 'json'], { stdio: 'pipe' }).toString();
  } catch {
    return undefined;
  }
}

const present = kubectlVersion() !== undefined;

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: 'nginx:1'}]}
`;

describe.skipIf(!present)('kubectl (skipped when there is none on the machine)', () => {
  const server = createApiServer({ clock: realClock, random: seeded() });
  const directory = mkdtempSync(join(tmpdir(), 'concertina-kubectl-'));
  const kubeconfig = join(directory, 'config');

  beforeAll(async () => {
    const { url } = await server.listen();
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'e', cluster: { server: url } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'e', context: { cluster: 'e', user: 'u' } }],
      'current-context': 'e',
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    writeFileSync(join(directory, 'web.yaml'), manifest);
    await server.registry.create(types.nodes, nodeObject('n1'));
  });

  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });

  interface Run {
    readonly code: number;
    readonly output: string;
  }

  function kubectl(...args: string[]): Promise<Run> {
    return new Promise((resolve) => {
      execFile(
        'kubectl',
        ['--kubeconfig', kubeconfig, '--cache-dir', join(directory, 'cache'), ...args],
        { cwd: directory },
        (error, out, err) => {
          resolve({ code: error === null ? 0 : 1, output: `${out}${err}` });
        },
      );
    });
  }

  async function succeeds(command: string): Promise<string> {
    const { code, output } = await kubectl(...command.split(' '));
    expect(code, `kubectl ${command}: ${output}`).toBe(0);
    return output;
  }

  it('applies, scales, patches, labels and deletes a deployment', async () => {
    expect(await succeeds('apply -f web.yaml')).toContain('deployment.apps/web created');
    expect(await succeeds('apply -f web.yaml')).toContain('unchanged');
    writeFileSync(join(directory, 'web.yaml'), manifest.replace('nginx:1', 'nginx:2'));
    expect(await succeeds('apply -f web.yaml')).toContain('configured');
    await succeeds('scale deployment web --replicas=4');
    await succeeds('set resources deployment web --requests=cpu=1500m');
    await succeeds('label deployment web tier=front');
    await succeeds('annotate deployment web note=x');
    expect(await succeeds('get deployment web')).toMatch(/NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+0\/4/);
    expect(server.registry.get(types.deployments, 'default', 'web')).toMatchObject({
      metadata: { labels: { tier: 'front' }, annotations: { note: 'x' } },
      spec: { replicas: 4, template: { spec: { containers: [{ image: 'nginx:2', resources: { requests: { cpu: '1500m' } } }] } } },
    });
    expect(await succeeds('describe deployment web')).toContain('4 desired');
    await succeeds('autoscale deployment web --max=5 --cpu-percent=50');
    expect(await succeeds('get hpa')).toContain('Deployment/web');
    await succeeds('delete deployment web');
    expect(server.registry.get(types.deployments, 'default', 'web')).toBeUndefined();
  }, 60_000);

  it('handles nodes, tokens, typed creation and questions', async () => {
    await succeeds('taint node n1 a=b:NoSchedule');
    await succeeds('cordon n1');
    expect(server.registry.get(types.nodes, undefined, 'n1')?.spec).toMatchObject({ unschedulable: true });
    expect(await succeeds('create token default')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\s*$/);
    await succeeds('create namespace team');
    await succeeds('create configmap c --from-literal=a=b -n team');
    expect(server.registry.get(types.configMaps, 'team', 'c')?.['data']).toEqual({ a: 'b' });
    await succeeds('create poddisruptionbudget b --selector=app=a --min-available=1');
    expect(await succeeds('auth can-i create pods')).toContain('yes');
    expect(await succeeds('api-resources')).toMatch(/horizontalpodautoscalers\s+hpa\s+autoscaling\/v2/);
    expect(await succeeds('explain pods')).toContain('KIND:       Pod');
    await succeeds('delete namespace team');
    expect(server.registry.get(types.namespaces, undefined, 'team')).toBeUndefined();
  }, 60_000);

  it('drains by eviction and waits for deletion', async () => {
    await server.registry.create(
      types.pods,
      podObject('p', { spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 1 } }),
    );
    const drained = succeeds('drain n1 --force --timeout=20s');
    const end = server.registry.watch(types.pods, ({ object }) => {
      // The node that runs nothing lets go of its pod.
      if (object.metadata.deletionTimestamp === undefined || object.metadata.deletionGracePeriodSeconds === 0) return;
      setImmediate(() => void server.registry.delete(types.pods, 'default', 'p', { gracePeriodSeconds: 0 }).catch(() => undefined));
    });
    expect(await drained).toContain('node/n1 drained');
    end();
  }, 60_000);

  it('names what it refuses', async () => {
    const applied = await kubectl('apply', '--server-side', '-f', 'web.yaml');
    expect(applied.code).toBe(1);
    expect(applied.output).toContain('server-side apply');
    expect((await kubectl('get', 'nonsense')).output).toContain('the server doesn\'t have a resource type "nonsense"');
    expect((await kubectl('get', 'pod', 'none')).output).toContain('Error from server (NotFound): pods "none" not found');
  }, 60_000);
});
