import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster, type EmbeddedClusterOptions } from '../../simulator/index.ts';
import { bundleForTest } from '../journeys/process-controller.ts';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The bundled program, run as a process in a folder of its own. */
export interface Program {
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>;
  /** Path of a file in that folder. */
  readonly file: (name: string) => string;
  /** Writes a kubeconfig and answers its path. */
  kubeconfig(name: string, server: string, user?: Readonly<Record<string, unknown>>): Promise<string>;
  remove(): Promise<void>;
}

const limitMs = 60_000;

export async function startProgram(): Promise<Program> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concertina-doctor-'));
  const bundle = await bundleForTest();
  return {
    file: (name) => path.join(folder, name),
    run: (args, env = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [bundle.file, ...args], {
          cwd: folder,
          env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        const parts = { stdout: '', stderr: '' };
        child.stdout.on('data', (chunk: Buffer) => (parts.stdout += chunk.toString()));
        child.stderr.on('data', (chunk: Buffer) => (parts.stderr += chunk.toString()));
        const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
        child.once('error', reject);
        child.once('close', (code) => {
          clearTimeout(timer);
          resolve({ code, ...parts });
        });
      }),
    kubeconfig: async (name, server, user = {}) => {
      const file = path.join(folder, `${name}.yaml`);
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server } }],
        users: [{ name: 'jane', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'jane' } }],
        'current-context': 'x',
      };
      await writeFile(file, JSON.stringify(config));
      return file;
    },
    remove: async () => {
      await bundle.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };
export const clusterRoles: ResourceType = { ...rbac, plural: 'clusterroles', kind: 'ClusterRole', namespaced: false };
const rbacTypes: Readonly<Record<string, ResourceType>> = {
  ClusterRole: clusterRoles,
  ClusterRoleBinding: { ...rbac, plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false },
  Role: { ...rbac, plural: 'roles', kind: 'Role', namespaced: true },
  RoleBinding: { ...rbac, plural: 'rolebindings', kind: 'RoleBinding', namespaced: true },
};

/** Installs what `deploy/` does, without the program: CRDs, namespace, ServiceAccount and its rights. */
export async function install(client: KubeClient): Promise<void> {
  for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
  await client.create(resourceTypes.namespaces, { metadata: { name: 'concertina-system' } });
  await client.create(resourceTypes.serviceAccounts, { metadata: { name: 'concertina', namespace: 'concertina-system' } });
  const text = await readFile(new URL('../../deploy/kustomize/base/rbac.yaml', import.meta.url), 'utf8');
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as KubeObject;
    const type = rbacTypes[object.kind ?? ''];
    if (type === undefined) throw new Error(`rbac.yaml has a ${String(object.kind)}`);
    // Kustomize puts the namespace in.
    if (type.namespaced) object.metadata.namespace ??= 'concertina-system';
    await client.create(type, object);
  }
}

/** A bearer token of a ServiceAccount that may nothing. */
export async function tokenOf(client: KubeClient, namespace: string, name: string): Promise<string> {
  await client.create(resourceTypes.serviceAccounts, { metadata: { name, namespace } });
  const answer = await client.raw({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  });
  return (JSON.parse(answer.body.toString()) as { status: { token: string } }).status.token;
}

/** Tries until the condition holds: for what a cluster on the real clock needs a moment to do. */
export async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`it never came to pass that ${what}`);
}

/** A cluster on the real clock with one node, quick kubelets and RBAC. */
export function startSmallCluster(seed: string, more: Partial<EmbeddedClusterOptions> = {}): Promise<EmbeddedCluster> {
  return startEmbeddedCluster({
    clock: realClock,
    random: seededRandom(seed),
    nodes: [{ name: 'node-a', cpu: 16, memory: '32Gi' }],
    fleet: { tickMs: 500, housekeepingMs: 1_000 },
    metricsResolutionMs: 1_000,
    authorization: 'RBAC',
    ...more,
  });
}

/** Waits until the metrics API has values of so many pods. */
export async function untilMeasured(client: KubeClient, pods: number): Promise<void> {
  await eventually(async () => {
    const answer = await client.raw({ method: 'GET', path: '/apis/metrics.k8s.io/v1beta1/pods' });
    return answer.status === 200 && (JSON.parse(answer.body.toString()) as { items: unknown[] }).items.length >= pods;
  }, `${pods} pods are measured`);
}

/** What the program changes in the cluster from now on: `verb plural`. */
export function recordWrites({ api }: EmbeddedCluster): readonly string[] {
  const written: string[] = [];
  api.onAudit(({ userAgent, verb, type }) => {
    if (userAgent.startsWith('concertina/') && !['get', 'list', 'watch'].includes(verb)) written.push(`${verb} ${type.plural}`);
  });
  return written;
}

/** What a terminal would act on instead of showing it; the end of a line is none. */
export const controlCharacter = /[^\P{Cc}\n]/u;
