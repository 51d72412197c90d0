import type { KubeObject } from '../../../../core/model/object.ts';
import { isJson } from '../json.ts';
import type { Kind } from './kind.ts';

interface Attribute {
  readonly name: string;
  readonly baseName: string;
  readonly type: string;
}

interface Model {
  getAttributeTypeMap(): readonly Attribute[];
}

type Models = Readonly<Record<string, Model | undefined>>;

/** Class names that are not `V<version><Kind>`. */
const specialNames: Readonly<Record<string, string>> = {
  '/v1/events': 'CoreV1Event',
  'events.k8s.io/v1/events': 'EventsV1Event',
  'discovery.k8s.io/v1/endpointslices': 'V1EndpointSlice',
};

/**
 * Answers the paths of fields that a builtin type does not have, for `fieldValidation`. The field names of every type are those of
 * the generated models of the official client (release 1.36), which are big: they are loaded with the first request that asks.
 */
export function createUnknownFieldFinder(): (kind: Kind, object: KubeObject) => Promise<readonly string[]> {
  let finder: Promise<FieldFinder> | undefined;
  return async (kind, object) => {
    finder ??= import('@kubernetes/client-node/dist/gen/models/ObjectSerializer.js').then(
      (models) => new FieldFinder(models as unknown as Models),
    );
    return (await finder).find(kind, object);
  };
}

class FieldFinder {
  readonly #models: Models;
  readonly #fields = new Map<string, ReadonlyMap<string, string> | undefined>();

  constructor(models: Models) {
    this.#models = models;
  }

  find(kind: Kind, object: KubeObject): readonly string[] {
    const { group, version, plural } = kind.type;
    const name = specialNames[`${group}/${version}/${plural}`] ?? `${version.charAt(0).toUpperCase()}${version.slice(1)}${kind.type.kind}`;
    const found: string[] = [];
    this.#walk(object, name, { path: '', found });
    return found.sort();
  }

  /** Field name to type; undefined for types that are not objects with known fields. */
  #fieldsOf(type: string): ReadonlyMap<string, string> | undefined {
    if (!this.#fields.has(type)) {
      const model = this.#models[type];
      // JSONSchemaProps and raw extensions are free-form as far as this server is concerned.
      const known = model === undefined || type === 'V1JSONSchemaProps' || typeof model.getAttributeTypeMap !== 'function';
      this.#fields.set(type, known ? undefined : new Map(model.getAttributeTypeMap().map((field) => [field.baseName, field.type])));
    }
    return this.#fields.get(type);
  }

  #walk(value: unknown, type: string, report: { readonly path: string; readonly found: string[] }): void {
    const element = /^Array<(.*)>$/.exec(type)?.[1];
    if (element !== undefined) {
      if (!Array.isArray(value)) return;
      for (const [at, item] of value.entries()) this.#walk(item, element, { ...report, path: `${report.path}[${at}]` });
      return;
    }
    const mapped = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
    if (!isJson(value)) return;
    if (mapped !== undefined) {
      for (const [key, item] of Object.entries(value)) this.#walk(item, mapped, { ...report, path: `${report.path}.${key}` });
      return;
    }
    const fields = this.#fieldsOf(type);
    if (fields === undefined) return;
    for (const [key, item] of Object.entries(value)) {
      const path = report.path === '' ? key : `${report.path}.${key}`;
      const field = fields.get(key);
      if (field === undefined) report.found.push(path);
      else this.#walk(item, field, { ...report, path });
    }
  }
}
