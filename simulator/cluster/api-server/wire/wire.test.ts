import { describe, expect, it } from 'vitest';
import { coreKinds } from '../kinds/builtin-core.ts';
import { groupKinds } from '../kinds/builtin-groups.ts';
import { conform } from './conform.ts';
import { messageOf, messageOfKind } from './message-table.ts';
import { decodeProtobuf } from './protobuf.ts';

/** Just enough of an encoder to write the bodies of this test. */
function field(number: number, value: Buffer | string | number): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.from(bytes);
}

function body(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const type = Buffer.concat([field(1, apiVersion), field(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw), field(3, ''), field(4, '')]);
}

describe('protobuf bodies', () => {
  it('reads maps, messages, pointers, quantities and leaves out zero values', () => {
    const metadata = Buffer.concat([field(1, 'web'), field(2, ''), field(11, Buffer.concat([field(1, 'app'), field(2, 'web')]))]);
    const quantity = field(1, '250m');
    const requests = Buffer.concat([field(1, 'cpu'), field(2, quantity)]);
    const container = Buffer.concat([field(1, 'c'), field(2, 'app:1'), field(8, field(2, requests)), field(17, 0)]);
    const template = field(2, field(2, container));
    const spec = Buffer.concat([field(1, 0), field(3, template), field(5, 0)]);
    expect(decodeProtobuf(body('apps/v1', 'Deployment', Buffer.concat([field(1, metadata), field(2, spec)])))).toEqual({
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name: 'web', labels: { app: 'web' } },
      // replicas is a pointer: zero was meant. minReadySeconds is none: zero says nothing.
      spec: { replicas: 0, template: { spec: { containers: [{ name: 'c', image: 'app:1', resources: { requests: { cpu: '250m' } } }] } } },
    });
  });

  it('refuses what it cannot read', () => {
    expect(() => decodeProtobuf(Buffer.from('{"a":1}'))).toThrow('its first bytes are wrong');
    expect(() => decodeProtobuf(body('example.com/v1', 'Widget', Buffer.alloc(0)))).toThrow('no protobuf form of example.com/v1 Widget');
    const whole = body('v1', 'ConfigMap', field(1, field(1, 'name')));
    expect(() => decodeProtobuf(whole.subarray(0, whole.length - 6))).toThrow('cannot be read');
  });
});

describe('fields of builtin types', () => {
  const pods = coreKinds.find((kind) => kind.type.plural === 'pods')!;

  it('knows every builtin kind, and every message that one refers to', () => {
    const own = [...coreKinds, ...groupKinds].filter((kind) => kind.type.group !== 'apiregistration.k8s.io');
    const missing = own.filter(({ type }) => messageOfKind(type.group, type.version, type.kind) === undefined);
    expect(missing.map((kind) => kind.type.kind)).toEqual([]);
    const names = own.flatMap(({ type }) => [...(messageOfKind(type.group, type.version, type.kind)?.byName.values() ?? [])]);
    const broken = names.filter((entry) => entry.type.kind === 'message' && messageOf(entry.type.name) === undefined);
    expect(broken).toEqual([]);
  });

  it('finds embedded structs, drops unknown fields and nulls, and shares what is right', () => {
    const volumes = [{ name: 'v', emptyDir: {} }];
    const object = {
      metadata: { name: 'p', creationTimestamp: null as unknown as string },
      spec: { volumes, containers: [{ name: 'c', nonsense: 1 }] },
    };
    const { object: result, unknown } = conform(pods, object);
    expect(unknown).toEqual(['spec.containers[0].nonsense']);
    expect(result).toMatchObject({ metadata: { name: 'p' }, spec: { containers: [{ name: 'c' }] } });
    expect(result.metadata).not.toHaveProperty('creationTimestamp');
    expect((result.spec as { volumes: unknown }).volumes).toBe(volumes);
    expect(conform(pods, result).object).toBe(result);
  });
});
