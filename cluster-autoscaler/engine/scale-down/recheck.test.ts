import { describe, expect, it } from 'vitest';
import { node, now, options, pdb, pod } from './builders.fixture.ts';
import type { RecheckInput } from './recheck.ts';
import { recheckNode } from './recheck.ts';

const input = (changed: Partial<RecheckInput>): RecheckInput => ({
  now,
  node: node('n-1'),
  pods: [],
  kind: 'drain',
  pdbs: [],
  evictDaemonsFromOccupied: true,
  evictDaemonsFromEmpty: false,
  ...changed,
});
const message = (changed: Partial<RecheckInput>) => {
  const result = recheckNode(input(changed), options);
  return result.ok ? 'ok' : result.message;
};

describe('the last look before a deletion', () => {
  it('says which pods are to be evicted', () => {
    const web = pod('web');
    const daemons = ['plain', 'yes', 'no'].map((wish) =>
      pod(wish, {
        owner: 'DaemonSet',
        annotations: wish === 'plain' ? {} : { 'cluster-autoscaler.kubernetes.io/enable-ds-eviction': String(wish === 'yes') },
      }),
    );
    const [plain, yes] = daemons;
    expect(recheckNode(input({ pods: [web, ...daemons] }), options)).toEqual({ ok: true, evict: [web], daemons: [plain, yes] });
    expect(recheckNode(input({ pods: daemons, kind: 'empty' }), options)).toEqual({ ok: true, evict: [], daemons: [yes] });
  });

  it('refuses what changed meanwhile, and says what', () => {
    expect(message({ node: undefined })).toBe('The node is not there any more.');
    expect(message({ pods: [pod('new')], kind: 'empty' })).toBe('Node n-1 stays: it was empty, but pod default/new runs on it now.');
    expect(message({ pods: [pod('job', { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'on-completion' } })] })).toBe(
      'Node n-1 stays: pod default/job is to run to its completion.',
    );
    expect(message({ node: node('n-1', { annotations: { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true' } }) })).toBe(
      'Node n-1 stays: scale-down was disabled on it by annotation meanwhile.',
    );
    expect(recheckNode(input({ pods: [pod('web', { labels: { app: 'web' } })], pdbs: [pdb('web', { app: 'web' }, 0)] }), options)).toEqual({
      ok: false,
      message: 'Node n-1 stays: pod default/web blocks the drain (NotEnoughPdb, rule budget): its budget web allows no disruption.',
      blockedBy: { namespace: 'default', name: 'web', reason: 'NotEnoughPdb', pdb: 'web' },
    });
    expect(message({ pods: [pod('web')], controllers: new Map() })).toContain('ControllerNotFound');
  });
});
