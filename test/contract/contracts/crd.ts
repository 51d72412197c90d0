import { describe, expect, it } from 'vitest';
import { assert, created, field, need, waitFor, waitForGone, waitForObject, type ContractSuite } from '../suite.ts';

interface Crd {
  /** The CRD's own path. */
  readonly definition: string;
  /** The collection in a new namespace. */
  readonly path: string;
  readonly group: string;
  readonly plural: string;
}

const specSchema = {
  type: 'object',
  required: ['replicas'],
  properties: {
    replicas: { type: 'integer', minimum: 0, maximum: 10 },
    min: { type: 'integer', default: 1 },
    mode: { type: 'string', enum: ['Auto', 'DryRun'], default: 'Auto' },
    fixed: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed may not change' }] },
    amount: { 'x-kubernetes-int-or-string': true },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    list: {
      type: 'array',
      maxItems: 3,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', pattern: '^[a-z]+$' }, weight: { type: 'integer', default: 5 } },
      },
    },
  },
  'x-kubernetes-validations': [
    {
      rule: '!has(self.min) || self.min <= self.replicas',
      message: 'min may not be above replicas',
      fieldPath: '.min',
      reason: 'FieldValueInvalid',
    },
  ],
};

const schema = {
  type: 'object',
  properties: {
    spec: specSchema,
    status: {
      type: 'object',
      properties: { replicas: { type: 'integer' }, selector: { type: 'string' }, note: { type: 'string' } },
    },
  },
};

export function crdContracts(suite: ContractSuite): void {
  const definition = (
    group: string,
    plural: string,
    options: { readonly scale?: object | undefined; readonly status?: boolean },
  ): object => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['wg'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: {
            ...(options.status === false ? {} : { status: {} }),
            ...(options.scale === undefined ? {} : { scale: options.scale }),
          },
          additionalPrinterColumns: [
            { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
            { name: 'Mode', type: 'string', jsonPath: '.spec.mode', priority: 1 },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
        },
      ],
    },
  });
  const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' };
  /** A definition that only the calling test uses. */
  const define = async (options: { readonly scale?: object; readonly status?: boolean } = { scale }): Promise<Crd> => {
    const group = `${suite.unique('g')}.example.com`;
    const base = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await created(suite.api, base, definition(group, 'widgets', options));
    const path = `${base}/widgets.${group}`;
    suite.cleanup(path);
    await waitForObject(suite.api, path, (body) =>
      (field<{ type: string; status: string }[] | undefined>(body, 'status.conditions') ?? []).some(
        (c) => c.type === 'Established' && c.status === 'True',
      ),
    );
    const crd = await inNewNamespace({ definition: path, path: '', group, plural: 'widgets' });
    // Established is a promise: the route follows within a moment.
    await waitFor(`${crd.path} is served`, async () => ((await suite.api.get(crd.path)).status === 200 ? true : undefined));
    return crd;
  };
  const inNewNamespace = async (crd: Crd): Promise<Crd> => ({
    ...crd,
    path: `/apis/${crd.group}/v1/namespaces/${await suite.namespace()}/widgets`,
  });
  let common: Promise<Crd> | undefined;
  /** The definition with status and scale that most contracts share, in a namespace of its own. */
  const shared = async (): Promise<Crd> => inNewNamespace(await (common ??= define()));
  const widget = (crd: Crd, spec: object, more: object = {}): object => ({
    apiVersion: `${crd.group}/v1`,
    kind: 'Widget',
    metadata: { name: 'w' },
    spec,
    ...more,
  });

  describe('custom resources', () => {
    it('are created, listed, patched and deleted like others', async () => {
      const crd = await shared();
      const made = await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      expect(made).toMatchObject({ kind: 'Widget', apiVersion: `${crd.group}/v1`, metadata: { generation: 1 } });
      const list = await suite.api.get(crd.path);
      expect(list.body).toMatchObject({
        kind: 'WidgetList',
        apiVersion: `${crd.group}/v1`,
        items: [{ kind: 'Widget', metadata: { name: 'w' } }],
      });
      const patched = await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { replicas: 3 } });
      assert.code(patched, 200);
      expect(field(patched.body, 'metadata.generation')).toBe(2);
      const answer = await suite.api.delete(`${crd.path}/w`);
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'Status', status: 'Success' });
      assert.refused(await suite.api.get(`${crd.path}/w`), { code: 404, message: `widgets.${crd.group} "w" not found` });
    });

    it('the definition gets its accepted names, conditions and defaults', async () => {
      const crd = await shared();
      const body = (await suite.api.get(crd.definition)).body;
      expect(body).toMatchObject({
        spec: { conversion: { strategy: 'None' } },
        status: {
          acceptedNames: { plural: 'widgets', kind: 'Widget', shortNames: ['wg'] },
          storedVersions: ['v1'],
          conditions: expect.arrayContaining([
            expect.objectContaining({ type: 'NamesAccepted', status: 'True' }),
            expect.objectContaining({ type: 'Established', status: 'True' }),
          ]) as unknown,
        },
      });
    });

    it('missing defaults are filled in, also in lists and on reading', async () => {
      const crd = await shared();
      const made = await created(suite.api, crd.path, widget(crd, { replicas: 2, list: [{ name: 'a' }] }));
      expect(field(made, 'spec')).toEqual({ replicas: 2, min: 1, mode: 'Auto', list: [{ name: 'a', weight: 5 }] });
    });

    it('unknown fields are pruned, but where they are preserved', async () => {
      const crd = await shared();
      const made = await created(suite.api, crd.path, widget(crd, { replicas: 2, other: 1, free: { x: { y: 1 } } }, { top: 1 }));
      expect(field(made, 'spec.other')).toBeUndefined();
      expect(field(made, 'top')).toBeUndefined();
      expect(field(made, 'spec.free')).toEqual({ x: { y: 1 } });
    });

    it('unknown fields: Strict refuses, the default warns', async () => {
      const crd = await shared();
      assert.refused(await suite.api.post(`${crd.path}?fieldValidation=Strict`, widget(crd, { replicas: 2, other: 1 })), {
        code: 400,
        reason: 'BadRequest',
        message: /strict decoding error: unknown field "spec\.other"/u,
      });
      const answer = await suite.api.post(crd.path, widget(crd, { replicas: 2, other: 1 }));
      assert.code(answer, 201);
      expect(answer.headers['warning']).toBe('299 - "unknown field \\"spec.other\\""');
    });

    const invalid: readonly (readonly [string, object, RegExp, string])[] = [
      [
        'a value above the maximum',
        { replicas: 11 },
        /spec\.replicas: Invalid value: 11: spec\.replicas in body should be less than or equal to 10/u,
        'spec.replicas',
      ],
      ['a value below the minimum', { replicas: -1 }, /spec\.replicas in body should be greater than or equal to 0/u, 'spec.replicas'],
      [
        'a wrong type',
        { replicas: 'two' },
        /spec\.replicas: Invalid value: "string": spec\.replicas in body must be of type integer: "string"/u,
        'spec.replicas',
      ],
      ['no required field', { min: 0 }, /spec\.replicas: Required value/u, 'spec.replicas'],
      [
        'a value outside the enum',
        { replicas: 1, mode: 'Other' },
        /spec\.mode: Unsupported value: "Other": supported values: "Auto", "DryRun"/u,
        'spec.mode',
      ],
      [
        'a pattern that does not match',
        { replicas: 1, list: [{ name: 'A' }] },
        /spec\.list\[0\]\.name in body should match '\^\[a-z\]\+\$'/u,
        'spec.list[0].name',
      ],
      [
        'too many items',
        { replicas: 1, list: ['a', 'b', 'c', 'd'].map((name) => ({ name })) },
        /spec\.list: Too many: 4: must have at most 3 items/u,
        'spec.list',
      ],
      [
        'a key twice in a map list',
        { replicas: 1, list: [{ name: 'a' }, { name: 'a' }] },
        /spec\.list\[1\]: Duplicate value/u,
        'spec.list[1]',
      ],
    ];
    it('invalid values: 422 with the field as cause', async () => {
      const crd = await shared();
      for (const [what, spec, message, at] of invalid) {
        const answer = await suite.api.post(crd.path, widget(crd, spec));
        expect(`${what}: ${answer.status}`).toBe(`${what}: 422`);
        assert.refused(answer, { code: 422, reason: 'Invalid', message });
        const causes = field<{ field: string }[]>(answer.body, 'details.causes');
        expect(causes.map((cause) => cause.field)).toContain(at);
        expect(field(answer.body, 'details')).toMatchObject({ name: 'w', group: crd.group, kind: 'Widget' });
      }
      assert.refused(await suite.api.get(`${crd.path}/w`), { code: 404 });
    });

    it('int-or-string takes both and nothing else', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 1, amount: 5 }));
      assert.code(await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { amount: '50%' } }), 200);
      assert.refused(await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { amount: 1.5 } }), { code: 422, reason: 'Invalid' });
    });

    it('CEL rules hold at creation and update, with message and field', async () => {
      const crd = await shared();
      assert.refused(await suite.api.post(crd.path, widget(crd, { replicas: 2, min: 3 })), {
        code: 422,
        reason: 'Invalid',
        message: new RegExp(
          `^Widget\\.${crd.group.replaceAll('.', '\\.')} "w" is invalid: spec\\.min: Invalid value: min may not be above replicas$`,
          'u',
        ),
        details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.min' }] },
      });
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      assert.refused(await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { min: 3 } }), {
        code: 422,
        message: /min may not be above replicas/u,
      });
    });

    it('CEL transition rules compare with the old value', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 2, fixed: 'a' }));
      assert.code(await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { fixed: 'a', replicas: 3 } }), 200);
      assert.refused(await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { fixed: 'b' } }), {
        code: 422,
        reason: 'Invalid',
        message: /spec\.fixed: Invalid value: "b": fixed may not change/u,
      });
      // Not there before: a transition rule has nothing to compare with.
      await suite.api.delete(`${crd.path}/w`);
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      assert.code(await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { fixed: 'b' } }), 200);
    });

    it('status is a subresource: dropped at creation, apart from spec after it', async () => {
      const crd = await shared();
      const made = await created(suite.api, crd.path, widget(crd, { replicas: 2 }, { status: { note: 'x' } }));
      expect(field(made, 'status')).toBeUndefined();
      const status = await suite.api.patch(`${crd.path}/w/status`, 'merge', { spec: { replicas: 9 }, status: { note: 'y' } });
      assert.code(status, 200);
      expect(status.body).toMatchObject({ spec: { replicas: 2 }, status: { note: 'y' }, metadata: { generation: 1 } });
      const main = await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { replicas: 3 }, status: { note: 'z' } });
      expect(main.body).toMatchObject({ spec: { replicas: 3 }, status: { note: 'y' }, metadata: { generation: 2 } });
    });

    it('without the status subresource status is a field like others', async () => {
      const crd = await define({ status: false });
      const made = await created(suite.api, crd.path, widget(crd, { replicas: 2 }, { status: { note: 'x' } }));
      expect(field(made, 'status.note')).toBe('x');
      assert.refused(await suite.api.get(`${crd.path}/w/status`), { code: 404 });
    });

    it('a replace without resourceVersion: 422', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      assert.refused(await suite.api.put(`${crd.path}/w`, widget(crd, { replicas: 3 })), {
        code: 422,
        reason: 'Invalid',
        message: /metadata\.resourceVersion: Invalid value: .*must be specified for an update/u,
      });
    });

    it('a strategic patch: 415 with the types that they take', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      const answer = await suite.api.patch(`${crd.path}/w`, 'strategic', { spec: { replicas: 3 } });
      assert.refused(answer, {
        code: 415,
        reason: 'UnsupportedMediaType',
        message:
          /^the body of the request was in an unknown format - accepted media types include: application\/json-patch\+json, application\/merge-patch\+json/u,
      });
      expect(field<string>(answer.body, 'message')).not.toMatch(/strategic/u);
    });

    it('field selectors: metadata.name only', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      const answer = await suite.api.get(`${crd.path}?fieldSelector=metadata.name%3Dw`);
      expect(field<unknown[]>(answer.body, 'items')).toHaveLength(1);
      assert.refused(await suite.api.get(`${crd.path}?fieldSelector=spec.replicas%3D2`), {
        code: 400,
        message: /field label not supported: spec\.replicas/u,
      });
    });

    it('are watched like others', async () => {
      const crd = await shared();
      const from = need((await suite.api.get(crd.path)).body, 'metadata.resourceVersion');
      const watch = await suite.api.watch(`${crd.path}?watch=true&resourceVersion=${from}`);
      try {
        await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
        await suite.api.patch(`${crd.path}/w/status`, 'merge', { status: { note: 'y' } });
        await suite.api.delete(`${crd.path}/w`);
        expect((await watch.take(3)).map((line) => `${line.type} ${line.object.kind}`)).toEqual([
          'ADDED Widget',
          'MODIFIED Widget',
          'DELETED Widget',
        ]);
      } finally {
        watch.close();
      }
    });

    it('watched from a forgotten resourceVersion: an ERROR event with 410 Expired, then the end', async (context) => {
      const crd = await define();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      if ((await suite.expire('')) === undefined) return context.skip('this cluster can not be made to forget revisions');
      const watch = await suite.api.watch(`${crd.path}?watch=true&resourceVersion=1`);
      try {
        expect(watch.status).toBe(200);
        const line = await watch.next();
        expect(line?.type).toBe('ERROR');
        expect(line?.object).toMatchObject({ kind: 'Status', status: 'Failure', code: 410, reason: 'Expired' });
        expect(line?.object.message).toMatch(/^too old resource version: 1 \(\d+\)$/u);
        expect(await watch.next()).toBeUndefined();
      } finally {
        watch.close();
      }
    });

    it('as Table: Name, the printer columns with priority, ages as text', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      const answer = await suite.api.get(crd.path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
      const columns = field<{ name: string; priority: number; type: string }[]>(answer.body, 'columnDefinitions');
      expect(columns.map(({ name, priority }) => `${name} ${priority}`)).toEqual(['Name 0', 'Replicas 0', 'Mode 1', 'Age 0']);
      const cells = field<unknown[]>(answer.body, 'rows.0.cells');
      expect(cells.slice(0, 3)).toEqual(['w', 2, 'Auto']);
      expect(cells[3]).toMatch(/^\d+m?s$/u);
      expect(field(answer.body, 'rows.0.object.kind')).toBe('PartialObjectMetadata');
    });

    it('deleting the definition deletes the objects and the path', async () => {
      const crd = await define();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      assert.code(await suite.api.delete(crd.definition), 200);
      await waitForGone(suite.api, crd.definition);
      await waitFor(`${crd.path} is not served any more`, async () => ((await suite.api.get(crd.path)).status === 404 ? true : undefined));
    });

    it('a definition whose name is not plural.group: 422', async () => {
      const body = definition('a.example.com', 'widgets', {}) as { metadata: object };
      assert.refused(
        await suite.api.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
          ...body,
          metadata: { name: 'other.a.example.com' },
        }),
        {
          code: 422,
          reason: 'Invalid',
          message: /metadata\.name: Invalid value: "other\.a\.example\.com": must be spec\.names\.plural\+"\."\+spec\.group/u,
        },
      );
    });
  });

  describe('scale of custom resources', () => {
    it('is read from and written to the paths of the definition', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      await suite.api.patch(`${crd.path}/w/status`, 'merge', { status: { replicas: 1, selector: 'app=w' } });
      const answer = await suite.api.get(`${crd.path}/w/scale`);
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        spec: { replicas: 2 },
        status: { replicas: 1, selector: 'app=w' },
      });
      const patched = await suite.api.patch(`${crd.path}/w/scale`, 'merge', { spec: { replicas: 5 } });
      assert.code(patched, 200);
      const body = (await suite.api.get(`${crd.path}/w`)).body;
      expect(body).toMatchObject({ spec: { replicas: 5 }, metadata: { generation: 2 } });
    });

    it('put with a stale resourceVersion: 409', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      const now = (await suite.api.get(`${crd.path}/w/scale`)).body as object;
      await suite.api.patch(`${crd.path}/w`, 'merge', { spec: { mode: 'DryRun' } });
      assert.refused(await suite.api.put(`${crd.path}/w/scale`, { ...now, spec: { replicas: 4 } }), { code: 409, reason: 'Conflict' });
    });

    it('the schema holds for it too: 422', async () => {
      const crd = await shared();
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      assert.refused(await suite.api.patch(`${crd.path}/w/scale`, 'merge', { spec: { replicas: 11 } }), { code: 422, reason: 'Invalid' });
    });

    it('without labelSelectorPath there is no selector', async () => {
      const crd = await define({ scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } });
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      const answer = await suite.api.get(`${crd.path}/w/scale`);
      expect(answer.body).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 0 } });
      expect(field(answer.body, 'status.selector')).toBeUndefined();
    });

    it('without the subresource: 404', async () => {
      const crd = await define({});
      await created(suite.api, crd.path, widget(crd, { replicas: 2 }));
      assert.refused(await suite.api.get(`${crd.path}/w/scale`), { code: 404, reason: 'NotFound' });
    });
  });
}
