import { describe, expect, it } from 'vitest';
import { configMap, createNode, createPod } from '../objects.ts';
import { assert, created, field, need, type ContractSuite } from '../suite.ts';

export function listContracts(suite: ContractSuite): void {
  const names = (body: unknown): string[] => field<{ metadata: { name: string } }[]>(body, 'items').map((item) => item.metadata.name);
  const some = async (count: number, labels?: (i: number) => Record<string, string>): Promise<string> => {
    const namespace = await suite.namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    for (let i = 0; i < count; i++) await created(suite.api, path, configMap(`c${i}`, {}, { contract: 'yes', ...labels?.(i) }));
    return path;
  };
  // The real cluster puts kube-root-ca.crt into every namespace: lists are narrowed to the contract's own.
  const own = 'labelSelector=contract%3Dyes';

  describe('list', () => {
    it('is of kind XList, its items without kind, in order of names', async () => {
      const path = await some(3);
      const answer = await suite.api.get(`${path}?${own}`);
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
      expect(need(answer.body, 'metadata.resourceVersion')).toMatch(/^[1-9]\d*$/u);
      expect(names(answer.body)).toEqual(['c0', 'c1', 'c2']);
      expect(field(answer.body, 'items.0.kind')).toBeUndefined();
      expect(field(answer.body, 'items.0.apiVersion')).toBeUndefined();
    });

    it('over all namespaces is in order of namespace and name', async () => {
      const label = suite.unique('all');
      const first = await some(1, () => ({ all: label }));
      const second = await some(1, () => ({ all: label }));
      const answer = await suite.api.get(`/api/v1/configmaps?labelSelector=all%3D${label}`);
      const found = field<{ metadata: { namespace: string } }[]>(answer.body, 'items').map((item) => item.metadata.namespace);
      expect(found).toEqual([first, second].map((path) => path.split('/')[4]!).toSorted());
    });

    it('resourceVersion of the list is not older than its items', async () => {
      const path = await some(2);
      const answer = await suite.api.get(path);
      const newest = Math.max(
        ...field<{ metadata: { resourceVersion: string } }[]>(answer.body, 'items').map((item) => Number(item.metadata.resourceVersion)),
      );
      expect(Number(need(answer.body, 'metadata.resourceVersion'))).toBeGreaterThanOrEqual(newest);
    });

    it('resourceVersion=0 is served too', async () => {
      const path = await some(1);
      const answer = await suite.api.get(`${path}?resourceVersion=0`);
      assert.code(answer, 200);
      expect(field(answer.body, 'kind')).toBe('ConfigMapList');
    });

    it('a resourceVersion from the future: 504 Timeout, "Too large resource version"', async () => {
      const path = await some(1);
      const answer = await suite.api.get(`${path}?resourceVersion=999999999`);
      assert.refused(answer, {
        code: 504,
        reason: 'Timeout',
        message: /^Timeout: Too large resource version: 999999999, current: \d+$/u,
        details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
      });
    });

    it('a resourceVersion that is no number: 400', async () => {
      const path = await some(1);
      assert.refused(await suite.api.get(`${path}?resourceVersion=abc`), { code: 400, reason: 'BadRequest' });
    });
  });

  describe('pages', () => {
    it('limit and continue walk through everything once, with remainingItemCount', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      for (let i = 0; i < 5; i++) await created(suite.api, path, { metadata: { name: `l${i}` }, spec: {} });
      const first = await suite.api.get(`${path}?limit=2`);
      assert.code(first, 200);
      expect(names(first.body)).toEqual(['l0', 'l1']);
      expect(field(first.body, 'metadata.remainingItemCount')).toBe(3);
      const second = await suite.api.get(`${path}?limit=2&continue=${encodeURIComponent(need(first.body, 'metadata.continue'))}`);
      expect(names(second.body)).toEqual(['l2', 'l3']);
      expect(field(second.body, 'metadata.remainingItemCount')).toBe(1);
      const third = await suite.api.get(`${path}?limit=2&continue=${encodeURIComponent(need(second.body, 'metadata.continue'))}`);
      expect(names(third.body)).toEqual(['l4']);
      expect(field(third.body, 'metadata.continue')).toBeUndefined();
      expect(field(third.body, 'metadata.remainingItemCount')).toBeUndefined();
      const versions = [first, second, third].map((page) => need(page.body, 'metadata.resourceVersion'));
      expect(new Set(versions).size).toBe(1);
    });

    it('all pages show the state of the first one', async () => {
      const path = await some(4);
      const first = await suite.api.get(`${path}?limit=2&${own}`);
      await created(suite.api, path, configMap('c1a', {}, { contract: 'yes' }));
      await created(suite.api, path, configMap('c2a', {}, { contract: 'yes' }));
      assert.code(await suite.api.delete(`${path}/c3`), 200);
      const second = await suite.api.get(`${path}?limit=2&${own}&continue=${encodeURIComponent(need(first.body, 'metadata.continue'))}`);
      assert.code(second, 200);
      expect([...names(first.body), ...names(second.body)]).toEqual(['c0', 'c1', 'c2', 'c3']);
    });

    it('with a selector the page is full of matches and has no remainingItemCount', async () => {
      const path = await some(6, (i) => ({ odd: String(i % 2) }));
      const answer = await suite.api.get(`${path}?limit=2&labelSelector=odd%3D1`);
      expect(names(answer.body)).toEqual(['c1', 'c3']);
      expect(field(answer.body, 'metadata.remainingItemCount')).toBeUndefined();
      expect(need(answer.body, 'metadata.continue')).not.toBe('');
    });

    it('a limit that fits everything gives no continue', async () => {
      const path = await some(2);
      const answer = await suite.api.get(`${path}?limit=500`);
      expect(field(answer.body, 'metadata.continue')).toBeUndefined();
    });

    it('a broken continue token: 400', async () => {
      const path = await some(1);
      assert.refused(await suite.api.get(`${path}?limit=1&continue=garbage`), {
        code: 400,
        reason: 'BadRequest',
        message: /continue key is not valid/u,
      });
    });

    it('continue with a resourceVersion: 400', async () => {
      const path = await some(3);
      const first = await suite.api.get(`${path}?limit=1`);
      const token = encodeURIComponent(need(first.body, 'metadata.continue'));
      assert.refused(await suite.api.get(`${path}?limit=1&continue=${token}&resourceVersion=5`), {
        code: 400,
        reason: 'BadRequest',
        message: /specifying resource version is not allowed when using continue/u,
      });
    });

    it('a continue token of a forgotten revision: 410 Expired, with a token that goes on inconsistently', async (context) => {
      const path = await some(3);
      const first = await suite.api.get(`${path}?limit=1&${own}`);
      for (let i = 0; i < 3; i++) await suite.api.patch(`${path}/c0`, 'merge', { data: { turn: String(i) } });
      const token = await suite.expire(need(first.body, 'metadata.continue'));
      if (token === undefined) return context.skip('this cluster can not be made to forget revisions');
      const answer = await suite.api.get(`${path}?limit=1&${own}&continue=${encodeURIComponent(token)}`);
      assert.refused(answer, {
        code: 410,
        reason: 'Expired',
        message: /^The provided continue parameter is too old to display a consistent list result/u,
      });
      const rest = await suite.api.get(`${path}?${own}&continue=${encodeURIComponent(need(answer.body, 'metadata.continue'))}`);
      assert.code(rest, 200);
      expect(names(rest.body)).toEqual(['c1', 'c2']);
    });
  });

  describe('label selectors', () => {
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['tier=web', ['c0', 'c2']],
      ['tier==web', ['c0', 'c2']],
      ['tier!=web', ['c1', 'c3']],
      ['tier in (web, db)', ['c0', 'c1', 'c2']],
      ['tier notin (web)', ['c1', 'c3']],
      ['tier', ['c0', 'c1', 'c2']],
      ['!tier', ['c3']],
      ['tier=web,n=0', ['c0']],
      ['n>1', ['c2', 'c3']],
      ['tier=', []],
    ];
    it.each(cases)('%s', async (selector, expected) => {
      const path = await some(4, (i) => ({ n: String(i), ...([{ tier: 'web' }, { tier: 'db' }, { tier: 'web' }, {}][i] as object) }));
      const answer = await suite.api.get(`${path}?labelSelector=${encodeURIComponent(`contract=yes,${selector}`)}`);
      assert.code(answer, 200);
      expect(names(answer.body)).toEqual(expected);
    });

    it('an unreadable selector: 400', async () => {
      const path = await some(1);
      assert.refused(await suite.api.get(`${path}?labelSelector=${encodeURIComponent('a in (')}`), { code: 400, reason: 'BadRequest' });
    });
  });

  describe('field selectors', () => {
    it('metadata.name and metadata.namespace', async () => {
      const path = await some(3);
      const namespace = path.split('/')[4]!;
      expect(names((await suite.api.get(`${path}?fieldSelector=metadata.name%3Dc1`)).body)).toEqual(['c1']);
      expect(names((await suite.api.get(`${path}?${own}&fieldSelector=metadata.name!%3Dc1`)).body)).toEqual(['c0', 'c2']);
      expect(names((await suite.api.get(`/api/v1/configmaps?${own}&fieldSelector=metadata.namespace%3D${namespace}`)).body)).toEqual([
        'c0',
        'c1',
        'c2',
      ]);
    });

    it('spec.nodeName and status.phase of pods', async () => {
      const [namespace, node] = [await suite.namespace(), await createNode(suite)];
      await createPod(suite, namespace, { name: 'bound', nodeName: node });
      await createPod(suite, namespace, { name: 'free', extra: { schedulerName: 'nobody' } });
      const path = `/api/v1/namespaces/${namespace}/pods`;
      const list = async (selector: string): Promise<string[]> =>
        names((await suite.api.get(`${path}?fieldSelector=${encodeURIComponent(selector)}`)).body);
      expect(await list(`spec.nodeName=${node}`)).toEqual(['bound']);
      expect(await list('spec.nodeName=')).toEqual(['free']);
      expect(await list('spec.nodeName!=')).toEqual(['bound']);
      expect(await list('status.phase=Pending')).toEqual(['bound', 'free']);
      expect(await list('status.phase!=Running,spec.nodeName=')).toEqual(['free']);
      expect(await list('status.phase=Running')).toEqual([]);
    });

    it('another field: 400', async () => {
      const path = await some(1);
      assert.refused(await suite.api.get(`${path}?fieldSelector=data.a%3D1`), {
        code: 400,
        reason: 'BadRequest',
        message: /field label not supported: data\.a|"data\.a" is not a known field selector/u,
      });
    });
  });
}
