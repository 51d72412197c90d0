import { describe, expect, it } from 'vitest';
import { createInterner } from '../model/interner.ts';
import type { KubeObject } from '../model/object.ts';
import { projectPod, unreadPodFields } from '../model/pod.ts';
import type { JsonRange } from './json-range.ts';
import { createSharedParser, type SharedParser } from './shared-parser.ts';

function range(object: unknown): JsonRange {
  const bytes = Buffer.from(JSON.stringify(object));
  return { bytes, start: 0, end: bytes.length, ascii: true };
}

function pod(index: number, { app = 'web', status = {} }: { app?: string; status?: object } = {}): KubeObject {
  return {
    metadata: { name: `${app}-${index}`, generateName: `${app}-`, namespace: 'shop', uid: `u${index}`, labels: { app } },
    spec: { nodeName: `node-${index % 7}`, containers: [{ name: 'main', resources: { requests: { cpu: '1' } } }] },
    status: { phase: 'Running', podIP: `10.0.0.${index}`, ...status },
  };
}

interface Spec {
  readonly nodeName: string;
  readonly containers: readonly object[];
}

const parse = (parser: SharedParser, object: KubeObject): KubeObject & { spec: Spec } =>
  parser.parse(range(object)) as KubeObject & { spec: Spec };

describe('createSharedParser', () => {
  it('shares, frozen, what the objects of one owner have in common, and nothing that differs', () => {
    const parser = createSharedParser({ trimManagedFields: true });
    const pods = Array.from({ length: 20 }, (_, index) => parse(parser, pod(index)));
    expect(pods).toEqual(Array.from({ length: 20 }, (_, index) => pod(index)));
    const [a, b] = pods.slice(-2);
    expect(a?.spec.containers).toBe(b?.spec.containers);
    expect(Object.isFrozen(a?.spec.containers)).toBe(true);
    expect(Object.isFrozen(a?.spec.containers[0])).toBe(true);
    expect(a?.spec).not.toBe(b?.spec);
    expect(a?.metadata).not.toBe(b?.metadata);
  });

  it('keeps several looks of the objects of one owner apart', () => {
    const parser = createSharedParser({ trimManagedFields: true });
    const looks = [{}, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False' }] }, { restarts: 3 }];
    const made = Array.from({ length: 60 }, (_, index) => pod(index, { status: looks[index % 3] ?? {} }));
    const parsed = made.map((object) => parse(parser, object));
    expect(parsed).toEqual(made);
    for (const index of [57, 58, 59]) expect(parsed[index]?.spec.containers).toBe(parsed[index - 3]?.spec.containers);
  });

  it('reads the last words of an object that differ from all before', () => {
    const parser = createSharedParser({ trimManagedFields: true });
    for (let index = 0; index < 5; index++) parse(parser, pod(index));
    const resized = pod(6);
    resized.spec = { ...(resized.spec as Spec), containers: [{ name: 'main', resources: { requests: { cpu: '2' } } }] };
    expect(parse(parser, resized)).toEqual(resized);
    expect(parse(parser, pod(7))).toEqual(pod(7));
  });

  it('shares nothing between owners, and nothing of objects without one', () => {
    const parser = createSharedParser({ trimManagedFields: true });
    const both = Array.from({ length: 10 }, (_, index) => ['a', 'b'].map((app) => parse(parser, pod(index, { app })))).at(-1);
    expect(both?.[0]?.spec.containers).not.toBe(both?.[1]?.spec.containers);
    const single = { metadata: { name: 'x', uid: 'u' }, spec: { containers: [{}] } };
    expect(parse(parser, single).spec.containers).not.toBe(parse(parser, single).spec.containers);
  });

  it('holds no more than its limit, and still answers', () => {
    const parser = createSharedParser({ trimManagedFields: true, limitBytes: 1000 });
    for (let turn = 0; turn < 4; turn++) {
      for (let index = 0; index < 30; index++) {
        const object = pod(turn, { app: `app-${index}` });
        expect(parse(parser, object)).toEqual(object);
      }
    }
  });

  it('leaves out, in objects or in events, only what nobody reads', () => {
    const omit = ['status.podIP', 'spec.volumes.[projected].name', 'status.conditions.[type=A].time', 'spec.none.*.x'];
    const made = (index: number, event: boolean): object => {
      const object = pod(index, { status: { conditions: ['A', 'B'].map((type) => ({ type, time: `t${index}` })) } });
      object.spec = { volumes: [{ name: `v${index}`, projected: {} }, { name: `w${index}` }] };
      return event ? { type: 'ADDED', object } : object;
    };
    for (const event of [false, true]) {
      const parser = createSharedParser({ trimManagedFields: true, omit });
      for (let index = 0; index < 5; index++) parser.parse(range(made(index, event)));
      const left = JSON.stringify(made(6, event))
        .replace('{"name":"v6","projected":{}}', '{"projected":{}}')
        .replace('{"type":"A","time":"t6"}', '{"type":"A"}')
        .replace(',"podIP":"10.0.0.6"', '');
      expect(JSON.stringify(parser.parse(range(made(6, event))))).toBe(left);
    }
  });

  it('leaves a pod record as it is without the fields that it is said not to read', () => {
    const parser = createSharedParser({ trimManagedFields: true, omit: unreadPodFields });
    const interner = createInterner();
    for (let index = 0; index < 12; index++) {
      const time = `2026-01-01T00:00:${String(10 + index)}Z`;
      const ended = { terminated: { exitCode: 1, reason: 'Error', startedAt: time, finishedAt: time, containerID: `c${index}` } };
      const container = (name: string, state: object, lastState: object): object => ({
        name,
        state,
        lastState,
        imageID: `i${index}`,
        containerID: `c${index}`,
        volumeMounts: [{ name: `kube-api-access-${index}` }],
      });
      const object = pod(index, {
        status: {
          startTime: time,
          conditions: ['Ready', 'PodScheduled', 'Initialized'].map((type) => ({ type, status: 'True', lastTransitionTime: time })),
          podIPs: [{ ip: `10.0.0.${index}` }],
          initContainerStatuses: [container('init', ended, {})],
          containerStatuses: [container('main', { running: { startedAt: time } }, ended)],
        },
      });
      object.metadata.creationTimestamp = time;
      object.spec = {
        ...(object.spec as Spec),
        containers: [{ name: 'main', volumeMounts: [{ name: `kube-api-access-${index}` }] }],
        volumes: [
          { name: `kube-api-access-${index}`, projected: {} },
          { name: `scratch-${index}`, ephemeral: {} },
          { name: 'data', persistentVolumeClaim: { claimName: `data-${index}` } },
        ],
      };
      expect(projectPod(parse(parser, object), interner)).toEqual(projectPod(object, interner));
    }
  });

  it('parses plainly when it has retired', () => {
    const parser = createSharedParser({ trimManagedFields: true });
    for (let index = 0; index < 5; index++) parse(parser, pod(index));
    parser.retire();
    expect(parse(parser, pod(6))).toEqual(pod(6));
    expect(parse(parser, pod(6)).spec.containers).not.toBe(parse(parser, pod(7)).spec.containers);
  });
});
