import { describe } from 'vitest';
import type { Companion, CompanionSearch, FoundCompanion } from './binaries/index.ts';
import { isForeignCluster } from './real-cluster.ts';

interface SuiteOptions {
  /** The suite registers APIs that are served on loopback: then it needs a control plane of its own. */
  readonly aggregated?: boolean;
}

/**
 * A suite that needs real programs. Absent ones (neither there nor to be built) skip it, with the sentence that says what to do in its title and on
 * the console: a suite that could not run never looks like one that passed. The getter is for hooks and tests, which run only when all are there.
 */
export function describeWithCompanions<Name extends Companion>(
  search: CompanionSearch<Name>,
  title: string,
  body: (companions: () => Readonly<Record<Name, FoundCompanion>>) => void,
  options: SuiteOptions = {},
): void {
  const obstacle = search.ok ? foreign(options) : search.sentence;
  if (obstacle !== undefined) console.warn(`${title}: skipped, ${obstacle}`);
  const note = obstacle === undefined ? '' : ` (skipped: ${obstacle})`;
  describe.skipIf(obstacle !== undefined)(`${title}${note}`, () => {
    body(() => {
      if (!search.ok) throw new Error(search.sentence);
      return search.companions;
    });
  });
}

function foreign(options: SuiteOptions): string | undefined {
  if (options.aggregated !== true || !isForeignCluster()) return undefined;
  return 'KUBECONFIG_E2E names a cluster whose API server cannot reach a program on this machine.';
}
