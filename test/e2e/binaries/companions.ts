import { join } from 'node:path';
import { buildModule, lookUpModule, type GoModule } from './go-module.ts';
import { findIn, pathFolders } from './path.ts';

/** Real programs beside the control plane, on which some tests depend. */
export type Companion = 'metrics-server' | 'metrics-adapter' | 'prometheus' | VerticalPodAutoscalerProgram;

/** The three programs of the upstream Vertical Pod Autoscaler. */
export type VerticalPodAutoscalerProgram = 'vpa-recommender' | 'vpa-updater' | 'vpa-admission-controller';

/** A companion that can be had. */
export interface FoundCompanion {
  /** The program's file; built by the first call if it must be: minutes. */
  file(): Promise<string>;
}

export type CompanionSearch<Name extends Companion> =
  | { readonly ok: true; readonly companions: Readonly<Record<Name, FoundCompanion>> }
  /** One sentence: what is missing, what to do. */
  | { readonly ok: false; readonly sentence: string };

const metricsServerVersion = 'v0.9.0';

const metricsServer: GoModule = {
  name: 'metrics-server',
  dir: join(import.meta.dirname, '..', 'metrics-server'),
  package: 'sigs.k8s.io/metrics-server/cmd/metrics-server',
  file: 'metrics-server',
  stamps: { 'k8s.io/client-go/pkg/version.gitVersion': metricsServerVersion },
  title: `Metrics Server ${metricsServerVersion}`,
};

const metricsAdapter: GoModule = {
  name: 'metrics-adapter',
  dir: join(import.meta.dirname, '..', 'metrics-adapter'),
  package: '.',
  file: 'metrics-adapter',
  stamps: {},
  title: 'the metrics adapter',
};

/** Its CRDs and its RBAC are read from the module's `deploy` folder, so that there is no copy of them here. */
export const verticalPodAutoscalerModule = {
  dir: join(import.meta.dirname, '..', 'vertical-pod-autoscaler'),
  path: 'k8s.io/autoscaler/vertical-pod-autoscaler',
} as const;

/** One folder in the cache for all three. */
function verticalPodAutoscaler(program: 'recommender' | 'updater' | 'admission-controller'): GoModule {
  return {
    name: 'vertical-pod-autoscaler',
    dir: verticalPodAutoscalerModule.dir,
    package: `${verticalPodAutoscalerModule.path}/pkg/${program}`,
    file: `vpa-${program}`,
    stamps: {},
    title: `the Vertical Pod Autoscaler's ${program}`,
  };
}

const verticalPodAutoscalerSource = (
  program: 'recommender' | 'updater' | 'admission-controller',
): { readonly onPath: false; readonly module: GoModule; readonly remedy: string } => ({
  onPath: false,
  module: verticalPodAutoscaler(program),
  remedy: `install Go so that it is built from ${verticalPodAutoscalerModule.dir}`,
});

/** `onPath`: whether a program of that name from elsewhere will do; an adapter of ours comes from nowhere else. */
const sources: Readonly<Record<Companion, { readonly onPath: boolean; readonly module?: GoModule; readonly remedy: string }>> = {
  'metrics-server': {
    onPath: true,
    module: metricsServer,
    remedy: `put the program metrics-server (${metricsServerVersion}) on PATH, or install Go so that it is built from ${metricsServer.dir}`,
  },
  'metrics-adapter': { onPath: false, module: metricsAdapter, remedy: `install Go so that it is built from ${metricsAdapter.dir}` },
  prometheus: { onPath: true, remedy: "install Debian's package prometheus, or put the program prometheus on PATH" },
  'vpa-recommender': verticalPodAutoscalerSource('recommender'),
  'vpa-updater': verticalPodAutoscalerSource('updater'),
  'vpa-admission-controller': verticalPodAutoscalerSource('admission-controller'),
};

/** Whether all of these can be had: on PATH, in the cache, or by building them. Builds nothing yet, so that it may be asked while tests are collected. */
export async function findCompanions<Name extends Companion>(...names: readonly Name[]): Promise<CompanionSearch<Name>> {
  const found = await Promise.all(names.map(async (name) => ({ name, companion: await findCompanion(name) })));
  const missing = found
    .filter(({ companion }) => companion === undefined)
    .map(({ name }) => `there is no ${name}: ${sources[name].remedy}`);
  if (missing.length > 0) return { ok: false, sentence: `${missing.join('; ')}.` };
  const companions = Object.fromEntries(found.map(({ name, companion }) => [name, companion])) as Record<Name, FoundCompanion>;
  return { ok: true, companions };
}

async function findCompanion(name: Companion): Promise<FoundCompanion | undefined> {
  const { onPath, module } = sources[name];
  const there = onPath ? await findIn(pathFolders(), name) : undefined;
  if (there !== undefined) return { file: async () => there };
  if (module === undefined) return undefined;
  const state = await lookUpModule(module);
  if (state.kind === 'absent') return undefined;
  return { file: () => (state.kind === 'built' ? Promise.resolve(state.file) : buildModule(module, state.file)) };
}
