import { findCompanions, findControlPlane } from './binaries/index.ts';

/**
 * Before any test of the real cluster: its binaries are found, or built (minutes, once), outside of every test's time limit. Without Go and without
 * binaries the whole run ends here with one sentence; with `E2E_COMPANIONS=required` so it does without the companions.
 */
export async function setup(): Promise<void> {
  const companions = await findCompanions(
    'metrics-server',
    'metrics-adapter',
    'prometheus',
    'vpa-recommender',
    'vpa-updater',
    'vpa-admission-controller',
  );
  // They are built by the first file that needs them. Where they are meant to be, as in CI, a run that skips would prove nothing.
  if (!companions.ok && process.env['E2E_COMPANIONS'] === 'required')
    throw new Error(`E2E_COMPANIONS=required, but ${companions.sentence}`);
  if (!companions.ok) console.warn(`some tests will be skipped: ${companions.sentence}`);
  const foreign = process.env['KUBECONFIG_E2E'];
  if (foreign !== undefined && foreign !== '') {
    console.log(`real cluster: the one of ${foreign}`);
    return;
  }
  console.log('real cluster: looking for etcd, kube-apiserver, kube-controller-manager and kube-scheduler (a first build takes minutes)');
  const begun = performance.now();
  const { source } = await findControlPlane();
  console.log(`real cluster: ${source} (${Math.round((performance.now() - begun) / 1000)} s)`);
}
