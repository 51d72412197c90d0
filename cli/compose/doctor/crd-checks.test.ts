import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../../core/kube/crd-schema.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { concertinaCrds } from '../crds.ts';
import { judgeCrd } from './crd-checks.ts';
import { schemaDifference } from './schema-difference.ts';
import { absent, failed, forbidden, read } from './test-support.ts';

interface Crd extends KubeObject {
  spec: { versions: { name: string; served: boolean; schema: { openAPIV3Schema: JsonSchema }; subresources?: object }[] };
}

function built(): KubeObject {
  const [crd] = concertinaCrds();
  if (crd === undefined) throw new Error('there is no CRD');
  return crd;
}

/** As a server stores it, changed. */
function installed(change: (crd: Crd, spec: JsonSchema) => void = () => undefined): KubeObject {
  const crd = structuredClone(built()) as Crd;
  Object.assign(crd.spec, { conversion: { strategy: 'None' } });
  crd.status = { conditions: [{ type: 'Established', status: 'True' }] };
  const spec = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'];
  if (spec === undefined) throw new Error('the CRD has no spec');
  change(crd, spec);
  return crd;
}

describe('judgeCrd', () => {
  it('is content with what this build generates, stored by a server', () => {
    expect(judgeCrd(built(), read(installed()))).toMatchObject({ status: 'OK', check: 'crd/horizontalpolicies.concertina.dev' });
    const other = installed((crd, spec) => {
      spec.description = 'said otherwise';
      crd.spec.versions.reverse();
    });
    expect(judgeCrd(built(), read(other)).status, 'texts for people do not count').toBe('OK');
  });

  it('names the fields that an older one drops', () => {
    const older = installed((_, spec) => {
      delete spec.properties?.['metrics']?.items?.properties?.['prometheus'];
      delete spec.properties?.['mode'];
    });
    const check = judgeCrd(built(), read(older));
    expect(check.status).toBe('FAIL');
    expect(check.message).toContain('it drops spec.metrics[].prometheus, spec.mode on every write');
    expect(check.message).toContain('kubectl apply --server-side -f deploy/crds');
  });

  it('warns of a newer one, and of other rules', () => {
    const newer = installed((_, spec) => Object.assign(spec.properties ?? {}, { later: { type: 'string' } }));
    expect(judgeCrd(built(), read(newer))).toMatchObject({
      status: 'WARN',
      message: expect.stringContaining('does not know spec.later') as unknown,
    });
    const rules = installed((_, spec) => {
      delete spec['x-kubernetes-validations'];
      Object.assign(spec.properties?.['maxReplicas'] ?? {}, { minimum: 5 });
    });
    expect(judgeCrd(built(), read(rules))).toMatchObject({
      status: 'WARN',
      values: { changed: ['spec', 'spec.maxReplicas'], missing: [], unknown: [] },
    });
  });

  it.each([
    ['not there', absent, 'FAIL', 'is not installed; apply deploy/crds'],
    ['not to be read', forbidden, 'SKIPPED', 'you may not read CustomResourceDefinition'],
    ['not answered', failed, 'FAIL', 'cannot be read'],
    [
      'not served',
      read(installed((crd) => crd.spec.versions.forEach((version) => (version.served = false)))),
      'FAIL',
      'is not served as v1alpha1',
    ],
    [
      'without status',
      read(installed((crd) => crd.spec.versions.forEach((version) => delete version.subresources))),
      'FAIL',
      'no status subresource',
    ],
    ['not established', read(installed((crd) => (crd.status = {}))), 'FAIL', 'is not established'],
  ])('%s', (_, reading, status, text) => {
    const check = judgeCrd(built(), reading);
    expect(check.status).toBe(status);
    expect(check.message).toContain(text);
  });
});

describe('schemaDifference', () => {
  it('knows maps, lists and the order of keys for what they are', () => {
    const here: JsonSchema = {
      type: 'object',
      properties: {
        map: { type: 'object', additionalProperties: { type: 'string', maxLength: 5 } },
        list: { type: 'array', items: { type: 'object', properties: { a: { type: 'integer', format: 'int32' } } } },
      },
    };
    const there: JsonSchema = {
      properties: {
        list: { items: { properties: { a: { format: 'int32', type: 'integer' } }, type: 'object' }, type: 'array' },
        map: { additionalProperties: { maxLength: 5, type: 'string' }, type: 'object' },
      },
      type: 'object',
    };
    expect(schemaDifference(there, here)).toEqual({ missing: [], unknown: [], changed: [] });
    expect(
      schemaDifference(
        { type: 'object', properties: { map: { type: 'object' }, list: { type: 'array', items: { type: 'string' } } } },
        here,
      ),
    ).toEqual({
      missing: ['list[].a', 'map.*'],
      unknown: [],
      changed: ['list[]'],
    });
    expect(schemaDifference({}, {})).toEqual({ missing: [], unknown: [], changed: [] });
  });
});
