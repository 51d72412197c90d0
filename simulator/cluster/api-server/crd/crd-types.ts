import type { JsonSchema, PrinterColumn } from '../../../../core/kube/crd-schema.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { asRecord } from './json-value.ts';

export interface CrdNames {
  readonly plural?: string;
  readonly singular?: string;
  readonly kind?: string;
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

export interface CrdVersion {
  readonly name: string;
  readonly served?: boolean;
  readonly storage?: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: {
    readonly status?: object;
    readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath?: string };
  };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
}

/** `spec` of a CustomResourceDefinition, as far as it is read. */
export interface CrdSpec {
  readonly group?: string;
  readonly scope?: string;
  readonly names: CrdNames;
  readonly versions: readonly CrdVersion[];
  readonly preserveUnknownFields?: boolean;
  readonly conversion?: { readonly strategy?: string };
}

/** The spec with the parts that everything relies on made sure of; the rest is as it was written. */
export function crdSpecOf(crd: KubeObject): CrdSpec {
  const spec = asRecord(crd.spec) ?? {};
  const listed = Array.isArray(spec['versions']) ? (spec['versions'] as unknown[]) : [];
  const versions = listed.map((version) => asRecord(version)).filter((version) => version !== undefined);
  return {
    ...spec,
    names: asRecord(spec['names']) ?? {},
    versions: versions.map((version) => Object.assign({ name: '' }, version)),
  };
}
