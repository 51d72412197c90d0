import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../core/errors.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { SnapshotScale } from '../../core/model/snapshot.ts';
import { targetsAtRest } from './capture-nodes.ts';

function scaled(name: string, specReplicas: number): SnapshotScale {
  const common = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name };
  return { ...common, ok: true, type: resourceTypes.deployments, specReplicas, statusReplicas: specReplicas, selector: 'app=web' };
}

describe('targetsAtRest', () => {
  it('reads what has no replicas and leaves out what may not be read, in the order of names, without environment variables', async () => {
    const asked: string[] = [];
    const get = async (_type: unknown, { name }: { readonly name: string }): Promise<KubeObject> => {
      asked.push(name);
      if (name === 'secret') throw new ConcertinaError('INTERNAL', 'forbidden');
      const container = { name: 'c', env: [{ name: 'KEY', value: 'x' }], resources: { requests: { cpu: '1' } } };
      return { metadata: { name, namespace: 'shop' }, spec: { replicas: 0, template: { spec: { containers: [container] } } } };
    };
    const found = await targetsAtRest({ get: get as KubeClient['get'] }, [
      scaled('web', 0),
      scaled('api', 0),
      scaled('busy', 3),
      scaled('secret', 0),
      { apiVersion: 'v1', kind: 'Odd', namespace: 'shop', name: 'odd', ok: false, message: 'no scale' },
    ]);
    expect(asked.toSorted()).toEqual(['api', 'secret', 'web']);
    expect(found.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.name])).toEqual([
      ['apps/v1', 'Deployment', 'api'],
      ['apps/v1', 'Deployment', 'web'],
    ]);
    expect(found[0]?.spec).toMatchObject({ template: { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] } } });
    expect(JSON.stringify(found)).not.toContain('KEY');
  });
});
