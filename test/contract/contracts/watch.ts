import { describe, expect, it } from 'vitest';
import type { HttpWatch, WatchLine } from '../../e2e/http-api.ts';
import { configMap } from '../objects.ts';
import { assert, created, field, need, type ContractSuite } from '../suite.ts';

export function watchContracts(suite: ContractSuite): void {
  const own = 'labelSelector=contract%3Dyes';
  const place = async (): Promise<{
    path: string;
    make: (name: string, labels?: Record<string, string>) => Promise<unknown>;
    version: () => Promise<string>;
  }> => {
    const namespace = await suite.namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    return {
      path,
      make: (name, labels) => created(suite.api, path, configMap(name, { a: '1' }, { contract: 'yes', ...labels })),
      version: async () => need((await suite.api.get(path)).body, 'metadata.resourceVersion'),
    };
  };
  const watching = async (path: string, use: (watch: HttpWatch) => Promise<void>): Promise<void> => {
    const watch = await suite.api.watch(path);
    try {
      expect(watch.status).toBe(200);
      await use(watch);
    } finally {
      watch.close();
    }
  };
  const short = (lines: readonly WatchLine[]): string[] => lines.map((line) => `${line.type} ${line.object.metadata.name}`);

  describe('watch', () => {
    it('from a list: every later change in order, with growing resourceVersions', async () => {
      const { path, make, version } = await place();
      await make('before');
      await watching(`${path}?watch=true&${own}&resourceVersion=${await version()}`, async (watch) => {
        expect(watch.headers['content-type']).toMatch(/^application\/json/u);
        await make('a');
        await suite.api.patch(`${path}/a`, 'merge', { data: { a: '2' } });
        await suite.api.delete(`${path}/a`);
        await make('b');
        const lines = await watch.take(4);
        expect(short(lines)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b']);
        const versions = lines.map((line) => Number(line.object.metadata.resourceVersion));
        expect(versions).toEqual(versions.toSorted((x, y) => x - y));
        expect(new Set(versions).size).toBe(4);
        expect(lines[0]!.object.kind).toBe('ConfigMap');
      });
    });

    it('replays what happened between the list and the watch', async () => {
      const { path, make, version } = await place();
      const from = await version();
      await make('a');
      await suite.api.delete(`${path}/a`);
      await watching(`${path}?watch=true&${own}&resourceVersion=${from}`, async (watch) => {
        expect(short(await watch.take(2))).toEqual(['ADDED a', 'DELETED a']);
      });
    });

    it('without a resourceVersion: first the present objects as ADDED', async () => {
      const { path, make } = await place();
      await make('a');
      await make('b');
      await watching(`${path}?watch=true&${own}`, async (watch) => {
        expect(short(await watch.take(2)).toSorted()).toEqual(['ADDED a', 'ADDED b']);
        await make('c');
        expect(short(await watch.take(1))).toEqual(['ADDED c']);
      });
    });

    it('by label: an object that starts to match is ADDED, one that stops is DELETED with its last matching state', async () => {
      const { path, make, version } = await place();
      await make('a', { tier: 'web' });
      const from = await version();
      await watching(`${path}?watch=true&labelSelector=tier%3Dweb&resourceVersion=${from}`, async (watch) => {
        await make('b', { tier: 'db' });
        await suite.api.patch(`${path}/b`, 'merge', { metadata: { labels: { tier: 'web' } } });
        const left = await suite.api.patch(`${path}/a`, 'merge', { metadata: { labels: { tier: 'db' } } });
        const lines = await watch.take(2);
        expect(short(lines)).toEqual(['ADDED b', 'DELETED a']);
        expect(lines[1]!.object.metadata.labels).toMatchObject({ tier: 'web' });
        expect(lines[1]!.object.metadata.resourceVersion).toBe(need(left.body, 'metadata.resourceVersion'));
      });
    });

    it('by name', async () => {
      const { path, make, version } = await place();
      await watching(`${path}?watch=true&fieldSelector=metadata.name%3Db&resourceVersion=${await version()}`, async (watch) => {
        await make('a');
        await make('b');
        expect(short(await watch.take(1))).toEqual(['ADDED b']);
      });
    });

    it('over all namespaces', async () => {
      const { make, version } = await place();
      const label = suite.unique('w');
      await watching(`/api/v1/configmaps?watch=true&labelSelector=w%3D${label}&resourceVersion=${await version()}`, async (watch) => {
        await make('a', { w: label });
        expect(short(await watch.take(1))).toEqual(['ADDED a']);
      });
    });

    it('timeoutSeconds ends it properly', async () => {
      const { path, version } = await place();
      const started = performance.now();
      await watching(`${path}?watch=true&${own}&timeoutSeconds=1&resourceVersion=${await version()}`, async (watch) => {
        expect(await watch.next(5000)).toBeUndefined();
      });
      expect(performance.now() - started).toBeGreaterThan(900);
      expect(performance.now() - started).toBeLessThan(4000);
    });

    it('sendInitialEvents: the present objects, then a bookmark annotated initial-events-end, then changes', async () => {
      const { path, make } = await place();
      await make('a');
      await make('b');
      const query = 'watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
      await watching(`${path}?${query}&${own}`, async (watch) => {
        const lines = await watch.until((line) => line.type === 'BOOKMARK');
        expect(short(lines.slice(0, -1)).toSorted()).toEqual(['ADDED a', 'ADDED b']);
        const bookmark = lines.at(-1)!;
        expect(bookmark.object.kind).toBe('ConfigMap');
        expect(bookmark.object.metadata.annotations?.['k8s.io/initial-events-end']).toBe('true');
        expect(Number(bookmark.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(
          Math.max(...lines.slice(0, -1).map((line) => Number(line.object.metadata.resourceVersion))),
        );
        await make('c');
        expect(short(await watch.until((line) => line.type !== 'BOOKMARK'))).toContain('ADDED c');
      });
    });

    it('sendInitialEvents of an empty collection: only the bookmark', async () => {
      const { path } = await place();
      const query = 'watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
      await watching(`${path}?${query}&${own}`, async (watch) => {
        const line = await watch.next();
        expect(line?.type).toBe('BOOKMARK');
        expect(line?.object.metadata.annotations?.['k8s.io/initial-events-end']).toBe('true');
      });
    });

    it('sendInitialEvents without resourceVersionMatch: 422', async () => {
      const { path } = await place();
      const answer = await suite.api.get(`${path}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true`);
      assert.refused(answer, { code: 422, reason: 'Invalid', message: /sendInitialEvents/u });
    });

    it('with bookmarks, the last one before the end tells how far it has come', async () => {
      const { path, make, version } = await place();
      const from = await version();
      await watching(`${path}?watch=true&${own}&allowWatchBookmarks=true&timeoutSeconds=4&resourceVersion=${from}`, async (watch) => {
        const made = await make('a');
        const lines: WatchLine[] = [];
        for (let line = await watch.next(); line !== undefined; line = await watch.next()) lines.push(line);
        expect(short(lines.filter((line) => line.type !== 'BOOKMARK'))).toEqual(['ADDED a']);
        const bookmark = lines.findLast((line) => line.type === 'BOOKMARK');
        expect(bookmark).toBeDefined();
        expect(bookmark!.object.kind).toBe('ConfigMap');
        expect(Number(bookmark!.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(need(made, 'metadata.resourceVersion')));
      });
    });

    it('a resourceVersion that is no number: refused, with 500 (a list says 400)', async () => {
      const { path } = await place();
      assert.refused(await suite.api.get(`${path}?watch=true&resourceVersion=abc`), {
        code: 500,
        message: /resourceVersion: Invalid value: "abc"/u,
      });
    });

    it('of a name in a path with fieldSelector of another: nothing but the watch stays open', async () => {
      const { path, make, version } = await place();
      await watching(`${path}?watch=true&fieldSelector=metadata.name%3Dnone&resourceVersion=${await version()}`, async (watch) => {
        await make('a');
        await expect(watch.next(700)).rejects.toThrow('no watch event');
      });
    });

    it('as Table: every event carries one row', async () => {
      const { path, make, version } = await place();
      const from = await version();
      const watch = await suite.api.watch(`${path}?watch=true&${own}&resourceVersion=${from}`, {
        accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
      });
      try {
        await make('a');
        const line = await watch.next();
        expect(line?.type).toBe('ADDED');
        expect(line?.object).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
        expect(field(line?.object, 'rows.0.object.metadata.name')).toBe('a');
      } finally {
        watch.close();
      }
    });
  });

  it('a client that goes away mid-watch leaves the server well', async () => {
    const { path, version } = await place();
    const from = await version();
    for (let i = 0; i < 20; i++) (await suite.api.watch(`${path}?watch=true&resourceVersion=${from}`)).close();
    assert.code(await suite.api.get(path), 200);
  });
}
