import { join } from 'node:path';
import { buildModule, lookUpModule, type GoModule } from './go-module.ts';
import { findIn, pathFolders } from './path.ts';

/**
 * Where the programs of a control plane come from, first that is found:
 * 1. `KUBEBUILDER_ASSETS` (the folder of setup-envtest; kcm and scheduler must be there too or on PATH),
 * 2. `PATH`,
 * 3. the cache,
 * 4. built from Go modules into that cache (about nine minutes on two cores with empty Go caches).
 */
export type Program = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

export interface ControlPlaneBinaries {
  /** For messages: "PATH", "/…/controlplane". */
  readonly source: string;
  /** File and leading arguments that start the program. */
  command(program: Program): { readonly file: string; readonly args: readonly string[] };
}

const programs: readonly Program[] = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const kubernetesMinor = 36;
const kubernetesVersion = `v1.${kubernetesMinor}.3`;

// Without the stamps a component reports the version `v0.0.0-master+$Format:%H$`.
const module: GoModule = {
  name: 'control-plane',
  dir: join(import.meta.dirname, '..', 'control-plane'),
  package: '.',
  file: 'controlplane',
  stamps: {
    'k8s.io/component-base/version.gitVersion': kubernetesVersion,
    'k8s.io/component-base/version.gitMajor': '1',
    'k8s.io/component-base/version.gitMinor': String(kubernetesMinor),
  },
  title: `the control plane ${kubernetesVersion}`,
};

export async function findControlPlane(): Promise<ControlPlaneBinaries> {
  const path = pathFolders();
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const separate = await separateBinaries(assets === undefined || assets === '' ? path : [assets, ...path]);
  if (separate !== undefined) return separate;
  const state = await lookUpModule(module);
  if (state.kind === 'absent') {
    throw new Error(
      `The real test cluster needs ${programs.join(', ')}: set KUBEBUILDER_ASSETS to a folder with them, put them on PATH, or install Go so that they are built from ${module.dir}.`,
    );
  }
  const file = state.kind === 'built' ? state.file : await buildModule(module, state.file);
  return { source: file, command: (program) => ({ file, args: [program] }) };
}

async function separateBinaries(folders: readonly string[]): Promise<ControlPlaneBinaries | undefined> {
  const found = new Map<Program, string>();
  for (const program of programs) {
    const file = await findIn(folders, program);
    if (file === undefined) return undefined;
    found.set(program, file);
  }
  return { source: [...found.values()].join(', '), command: (program) => ({ file: found.get(program)!, args: [] }) };
}
