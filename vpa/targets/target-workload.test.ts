import { describe, expect, it } from 'vitest';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { formatSelector } from '../../core/model/selector.ts';
import { ownerOf } from './targets.fixture.ts';
import { projectTargetWorkload, type WellKnownKind } from './target-workload.ts';

function project(kind: WellKnownKind, spec: unknown, more: Partial<KubeObject['metadata']> & { status?: unknown } = {}) {
  const { status, ...metadata } = more;
  return projectTargetWorkload({ metadata: { name: 'web', uid: 'u', ...metadata }, spec, status }, createInterner(), kind);
}

const selector = { matchLabels: { app: 'web' } };
const template = {
  metadata: { labels: { app: 'web', tier: 'front' } },
  spec: {
    initContainers: [{ name: 'migrate' }, { name: 'mesh', restartPolicy: 'Always' }],
    containers: [{ name: 'app' }, { name: 'logs' }],
  },
};

describe('what is read of a workload', () => {
  it('is a selector, replicas and the containers that run, of a Deployment', () => {
    const record = project('Deployment', { selector, template, replicas: 3 });
    expect(formatSelector(record.selector)).toBe('app=web');
    expect(record).toMatchObject({ uid: 'u', replicas: 3, ready: undefined, templateContainers: ['app', 'logs', 'mesh'] });
  });

  it('has the default of one replica, a Job its parallelism, a DaemonSet what is ready', () => {
    expect(project('Deployment', { selector }).replicas).toBe(1);
    expect(project('Job', { selector, parallelism: 5 }).replicas).toBe(5);
    expect(project('DaemonSet', { selector, replicas: 7 }, { status: { numberReady: 4 } })).toMatchObject({
      replicas: undefined,
      ready: 4,
    });
    expect(project('CronJob', {}).replicas).toBeUndefined();
  });

  it.each([
    [{}, true],
    [{ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } }, true],
    [{ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } } }, true],
    [{ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0 } } }, false],
    [{ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '0%' } } }, false],
    [{ strategy: { type: 'Recreate' } }, false],
    [{ paused: true }, false],
  ])('surges with %j: %s', (spec, surges) => {
    expect(project('Deployment', { selector, ...spec }).surges).toBe(surges);
    expect(project('StatefulSet', { selector, ...spec }).surges).toBe(false);
  });

  it('selects by the map of a ReplicationController and by the template labels of a CronJob', () => {
    expect(formatSelector(project('ReplicationController', { selector: { matchLabels: 'odd' } }).selector)).toBe('matchLabels=odd');
    const cron = project('CronJob', { jobTemplate: { spec: { template } } });
    expect(formatSelector(cron.selector)).toBe('app=web,tier=front');
    expect(cron.templateContainers).toEqual(['app', 'logs', 'mesh']);
  });

  it('selects nothing, never everything, where there are no labels', () => {
    expect(project('CronJob', { jobTemplate: { spec: { template: { spec: {} } } } }).selector.matchesNothing).toBe(true);
    expect(project('ReplicationController', { selector: {} }).selector.matchesNothing).toBe(true);
    expect(project('Deployment', {}).selector.matchesNothing).toBe(true);
  });

  it('leaves out the selector of what is never a target, and templates of the many', () => {
    const reference = { ...ownerOf('apps/v1', 'Deployment', 'web'), controller: true };
    const owned = project('ReplicaSet', { selector, template }, { ownerReferences: [reference] });
    expect(owned).toMatchObject({
      selector: { matchesNothing: true },
      templateContainers: undefined,
      owner: { kind: 'Deployment', name: 'web' },
    });
    const bare = project('ReplicaSet', { selector, template });
    expect(formatSelector(bare.selector)).toBe('app=web');
  });

  it('shares the container names of equal templates', () => {
    const interner = createInterner();
    const one = projectTargetWorkload({ metadata: { name: 'a' }, spec: { selector, template } }, interner, 'StatefulSet');
    const two = projectTargetWorkload({ metadata: { name: 'b' }, spec: { selector, template } }, interner, 'StatefulSet');
    expect(one.templateContainers).toBe(two.templateContainers);
  });
});
