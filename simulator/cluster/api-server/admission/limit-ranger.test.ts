import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../../core/model/object.ts';
import { claimLimitViolations, joinViolations, podLimitViolations } from './limit-ranger.ts';

function range(...limits: object[]): KubeObject {
  return { metadata: { name: 'limits', namespace: 'n' }, spec: { limits } };
}

interface Resources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

function pod(
  containers: readonly Resources[],
  init: readonly (Resources & { readonly sidecar?: boolean })[] = [],
  more: object = {},
): KubeObject {
  return {
    metadata: { name: 'p', namespace: 'n' },
    spec: {
      containers: containers.map((resources, at) => ({ name: `c${at}`, resources })),
      initContainers: init.map(({ sidecar, ...resources }, at) => ({
        name: `i${at}`,
        resources,
        ...(sidecar === true ? { restartPolicy: 'Always' } : {}),
      })),
      ...more,
    },
  };
}

const cpu = (request: string, limit?: string): Resources => ({
  requests: { cpu: request },
  ...(limit === undefined ? {} : { limits: { cpu: limit } }),
});

describe('what a LimitRange refuses of a pod', () => {
  it('a container: too little, too much, and what is not said', () => {
    const container = range({ type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' } });
    expect(podLimitViolations(pod([cpu('100m', '1')]), [container])).toEqual([]);
    expect(podLimitViolations(pod([cpu('50m', '2')]), [container])).toEqual([
      'minimum cpu usage per Container is 100m, but request is 50m',
      'maximum cpu usage per Container is 1, but limit is 2',
    ]);
    expect(podLimitViolations(pod([{}]), [container])).toEqual([
      'minimum cpu usage per Container is 100m.  No request is specified',
      'maximum cpu usage per Container is 1.  No limit is specified',
    ]);
  });

  it('an init container too', () => {
    const container = range({ type: 'Container', max: { cpu: '1' } });
    expect(podLimitViolations(pod([cpu('1', '1')], [cpu('1', '3')]), [container])).toEqual([
      'maximum cpu usage per Container is 1, but limit is 3',
    ]);
  });

  it('a ratio of limit to request', () => {
    const ratio = range({ type: 'Container', maxLimitRequestRatio: { cpu: '2' } });
    expect(podLimitViolations(pod([cpu('500m', '1')]), [ratio])).toEqual([]);
    expect(podLimitViolations(pod([cpu('300m', '1')]), [ratio])).toEqual([
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.333333',
    ]);
    expect(podLimitViolations(pod([cpu('300m')]), [ratio])).toEqual([
      'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0',
    ]);
    expect(podLimitViolations(pod([cpu('0', '1')]), [ratio])).toEqual([
      'cpu max limit to request ratio per Container is 2, but no request is specified or request is 0',
    ]);
  });

  it('a pod: main containers and sidecars together, or the largest init container', () => {
    const whole = range({ type: 'Pod', max: { cpu: '2' } });
    expect(podLimitViolations(pod([cpu('1', '1'), cpu('1', '1')]), [whole])).toEqual([]);
    expect(podLimitViolations(pod([cpu('1', '1'), cpu('1', '1')], [{ ...cpu('1', '500m'), sidecar: true }]), [whole])).toEqual([
      'maximum cpu usage per Pod is 2, but limit is 2500m',
    ]);
    expect(podLimitViolations(pod([cpu('1', '1')], [cpu('3', '3')]), [whole])).toEqual(['maximum cpu usage per Pod is 2, but limit is 3']);
    // The sidecar before it runs beside it.
    expect(podLimitViolations(pod([cpu('1', '1')], [{ ...cpu('1', '1'), sidecar: true }, cpu('1500m', '1500m')]), [whole])).toEqual([
      'maximum cpu usage per Pod is 2, but limit is 2500m',
    ]);
    const own = { resources: { requests: { cpu: '1' }, limits: { cpu: '4' } } };
    expect(podLimitViolations(pod([cpu('1', '1')], [], own), [whole])).toEqual(['maximum cpu usage per Pod is 2, but limit is 4']);
  });

  it('the first range that refuses is the answer; other types say nothing', () => {
    const first = range({ type: 'Container', max: { cpu: '1' } });
    const second = range({ type: 'Container', max: { cpu: '500m' } });
    expect(podLimitViolations(pod([cpu('1', '2')]), [range({ type: 'PersistentVolumeClaim', max: { cpu: '1m' } }), first, second])).toEqual(
      ['maximum cpu usage per Container is 1, but limit is 2'],
    );
  });
});

describe('what a LimitRange refuses of a claim', () => {
  const claim = (storage: string): KubeObject => ({ metadata: { name: 'c' }, spec: { resources: { requests: { storage } } } });
  const ranges = [range({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '10Gi' } })];
  it('too little and too much storage', () => {
    expect(claimLimitViolations(claim('5Gi'), ranges)).toEqual([]);
    expect(claimLimitViolations(claim('1Mi'), ranges)).toEqual([
      'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi',
    ]);
    expect(claimLimitViolations(claim('20Gi'), ranges)).toEqual([
      'maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 20Gi',
    ]);
  });
});

it('one sentence stands alone, several in brackets, each once', () => {
  expect(joinViolations(['a', 'a'])).toBe('a');
  expect(joinViolations(['a', 'b', 'a'])).toBe('[a, b]');
});
