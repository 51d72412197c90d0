import type { Accelerator, InstanceType, QuotaBucket } from './types.ts';

/** A family whose sizes differ in nothing but scale. */
interface Family {
  readonly name: string;
  readonly arch: InstanceType['arch'];
  readonly maker: string;
  readonly gibPerVcpu: number;
  /** Dollars an hour of one vCPU. */
  readonly vcpuPrice: number;
  /** vCPUs of each size. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly localGbPerVcpu?: number;
  /** EC2 no longer calls it a current generation. */
  readonly old?: boolean;
}

const wide = { large: 2, xlarge: 4, '2xlarge': 8, '4xlarge': 16, '8xlarge': 32, '12xlarge': 48, '16xlarge': 64, '24xlarge': 96 };
const graviton = { medium: 1, large: 2, xlarge: 4, '2xlarge': 8, '4xlarge': 16, '8xlarge': 32, '12xlarge': 48, '16xlarge': 64 };
const c5 = { large: 2, xlarge: 4, '2xlarge': 8, '4xlarge': 16, '9xlarge': 36, '12xlarge': 48, '18xlarge': 72, '24xlarge': 96 };
const intel = { arch: 'x86_64', maker: 'intel' } as const;
const amd = { arch: 'x86_64', maker: 'amd' } as const;
const arm = { arch: 'arm64', maker: 'amazon-web-services', sizes: graviton } as const;

const families: readonly Family[] = [
  { name: 'c5', ...intel, gibPerVcpu: 2, vcpuPrice: 0.0425, sizes: c5, old: true },
  { name: 'c6g', ...arm, gibPerVcpu: 2, vcpuPrice: 0.034 },
  { name: 'c6i', ...intel, gibPerVcpu: 2, vcpuPrice: 0.0425, sizes: { ...wide, '32xlarge': 128 } },
  { name: 'c7g', ...arm, gibPerVcpu: 2, vcpuPrice: 0.03625 },
  {
    name: 'm4',
    ...intel,
    gibPerVcpu: 4,
    vcpuPrice: 0.05,
    sizes: { large: 2, xlarge: 4, '2xlarge': 8, '4xlarge': 16, '10xlarge': 40, '16xlarge': 64 },
    old: true,
  },
  { name: 'm5', ...intel, gibPerVcpu: 4, vcpuPrice: 0.048, sizes: { ...wide, metal: 96 }, old: true },
  { name: 'm5a', ...amd, gibPerVcpu: 4, vcpuPrice: 0.043, sizes: wide },
  { name: 'm5d', ...intel, gibPerVcpu: 4, vcpuPrice: 0.0565, sizes: wide, localGbPerVcpu: 37.5 },
  { name: 'm6a', ...amd, gibPerVcpu: 4, vcpuPrice: 0.0432, sizes: wide },
  { name: 'm6g', ...arm, gibPerVcpu: 4, vcpuPrice: 0.0385 },
  { name: 'm6i', ...intel, gibPerVcpu: 4, vcpuPrice: 0.048, sizes: { ...wide, '32xlarge': 128 }, old: true },
  { name: 'm7g', ...arm, gibPerVcpu: 4, vcpuPrice: 0.0408 },
  { name: 'm7i', ...intel, gibPerVcpu: 4, vcpuPrice: 0.0504, sizes: wide },
  { name: 'r5', ...intel, gibPerVcpu: 8, vcpuPrice: 0.063, sizes: wide, old: true },
  { name: 'r6g', ...arm, gibPerVcpu: 8, vcpuPrice: 0.0504 },
  { name: 'r6i', ...intel, gibPerVcpu: 8, vcpuPrice: 0.063, sizes: { ...wide, '32xlarge': 128 }, old: true },
];

/** Size, vCPUs, GiB, dollars an hour of t3; t4g has the same sizes for a fifth less. */
const burstable: readonly (readonly [string, number, number, number])[] = [
  ['nano', 2, 0.5, 0.0052],
  ['micro', 2, 1, 0.0104],
  ['small', 2, 2, 0.0208],
  ['medium', 2, 4, 0.0416],
  ['large', 2, 8, 0.0832],
  ['xlarge', 4, 16, 0.1664],
  ['2xlarge', 8, 32, 0.3328],
];

interface Chip {
  readonly name: string;
  readonly manufacturer: string;
  readonly kind: Accelerator['kind'];
  readonly mib: number;
}

const chips = {
  t4: { name: 'T4', manufacturer: 'nvidia', kind: 'gpu', mib: 16_384 },
  t4g: { name: 'T4g', manufacturer: 'nvidia', kind: 'gpu', mib: 16_384 },
  a10g: { name: 'A10G', manufacturer: 'nvidia', kind: 'gpu', mib: 22_888 },
  v100: { name: 'V100', manufacturer: 'nvidia', kind: 'gpu', mib: 16_384 },
  a100: { name: 'A100', manufacturer: 'nvidia', kind: 'gpu', mib: 40_960 },
  inferentia2: { name: 'Inferentia2', manufacturer: 'amazon-web-services', kind: 'inference', mib: 32_768 },
} as const satisfies Record<string, Chip>;

/** Name, vCPUs, GiB, chips, local GB, dollars an hour. */
type AcceleratedRow = readonly [string, number, number, number, number, number];

const accelerated: readonly {
  readonly chip: Chip;
  readonly bucket: QuotaBucket;
  readonly arm?: boolean;
  readonly amd?: boolean;
  readonly rows: readonly AcceleratedRow[];
}[] = [
  {
    chip: chips.t4,
    bucket: 'g',
    rows: [
      ['g4dn.xlarge', 4, 16, 1, 125, 0.526],
      ['g4dn.2xlarge', 8, 32, 1, 225, 0.752],
      ['g4dn.4xlarge', 16, 64, 1, 225, 1.204],
      ['g4dn.8xlarge', 32, 128, 1, 900, 2.176],
      ['g4dn.12xlarge', 48, 192, 4, 900, 3.912],
      ['g4dn.16xlarge', 64, 256, 1, 900, 4.352],
    ],
  },
  {
    chip: chips.a10g,
    bucket: 'g',
    amd: true,
    rows: [
      ['g5.xlarge', 4, 16, 1, 250, 1.006],
      ['g5.2xlarge', 8, 32, 1, 450, 1.212],
      ['g5.4xlarge', 16, 64, 1, 600, 1.624],
      ['g5.8xlarge', 32, 128, 1, 900, 2.448],
      ['g5.12xlarge', 48, 192, 4, 3800, 5.672],
      ['g5.48xlarge', 192, 768, 8, 7600, 16.288],
    ],
  },
  {
    chip: chips.t4g,
    bucket: 'g',
    arm: true,
    rows: [
      ['g5g.xlarge', 4, 8, 1, 0, 0.42],
      ['g5g.2xlarge', 8, 16, 1, 0, 0.556],
    ],
  },
  {
    chip: chips.v100,
    bucket: 'p',
    rows: [
      ['p3.2xlarge', 8, 61, 1, 0, 3.06],
      ['p3.8xlarge', 32, 244, 4, 0, 12.24],
      ['p3.16xlarge', 64, 488, 8, 0, 24.48],
    ],
  },
  { chip: chips.a100, bucket: 'p', rows: [['p4d.24xlarge', 96, 1152, 8, 8000, 32.7726]] },
  {
    chip: chips.inferentia2,
    bucket: 'inf',
    amd: true,
    rows: [
      ['inf2.xlarge', 4, 16, 1, 0, 0.7582],
      ['inf2.8xlarge', 32, 128, 1, 0, 1.9679],
    ],
  },
];

/**
 * Some 140 types of EC2 in name order, for scenes in which types matter: general, compute and memory families on Intel, AMD and Graviton,
 * burstable ones, GPUs. Sizes are EC2's; prices those of us-east-1 in 2024, good enough for strategies that go by price.
 */
export const defaultInstanceTypes: readonly InstanceType[] = [
  ...families.flatMap(ofFamily),
  ...burstable.flatMap(([size, vcpus, gib, price]) => [
    plain({ name: `t3.${size}`, ...intel, vcpus, gib, price, burstable: true }),
    plain({ name: `t4g.${size}`, arch: 'arm64', maker: 'amazon-web-services', vcpus, gib, price: round(price * 0.80769), burstable: true }),
  ]),
  ...accelerated.flatMap(({ chip, bucket, arm: isArm, amd: isAmd, rows }) =>
    rows.map(([name, vcpus, gib, count, localGb, price]) => ({
      ...plain({ name, ...(isArm === true ? arm : isAmd === true ? amd : intel), vcpus, gib, price }),
      bucket,
      accelerator: { name: chip.name, manufacturer: chip.manufacturer, kind: chip.kind, count, memoryMib: chip.mib * count },
      ...(localGb > 0 && { localStorageGb: localGb }),
    })),
  ),
].toSorted((a, b) => (a.name < b.name ? -1 : 1));

function ofFamily(family: Family): readonly InstanceType[] {
  return Object.entries(family.sizes).map(([size, vcpus]) => ({
    ...plain({
      name: `${family.name}.${size}`,
      arch: family.arch,
      maker: family.maker,
      vcpus,
      gib: vcpus * family.gibPerVcpu,
      price: round(vcpus * family.vcpuPrice),
    }),
    bareMetal: size === 'metal',
    currentGeneration: family.old !== true,
    ...(family.localGbPerVcpu !== undefined && { localStorageGb: vcpus * family.localGbPerVcpu }),
  }));
}

interface PlainType {
  readonly name: string;
  readonly arch: InstanceType['arch'];
  readonly maker: string;
  readonly vcpus: number;
  readonly gib: number;
  readonly price: number;
  readonly burstable?: boolean;
}

function plain({ name, arch, maker, vcpus, gib, price, burstable: bursts = false }: PlainType): InstanceType {
  return {
    name,
    arch,
    cpuManufacturer: maker,
    vcpus,
    memoryMib: gib * 1024,
    bareMetal: false,
    burstable: bursts,
    currentGeneration: true,
    bucket: 'standard',
    price,
  };
}

/** To a hundredth of a cent. */
function round(price: number): number {
  return Math.round(price * 10_000) / 10_000;
}
