/** Kinds of types that share one vCPU quota ("Running On-Demand <bucket> instances"). */
export type QuotaBucket = 'standard' | 'g' | 'p' | 'inf' | 'trn' | 'x' | 'high-memory';

export interface Accelerator {
  readonly name: string;
  /** `nvidia`, `amazon-web-services`. */
  readonly manufacturer: string;
  readonly kind: 'gpu' | 'inference';
  readonly count: number;
  /** MiB of all of them together. */
  readonly memoryMib: number;
}

/** What EC2 tells of an instance type, as far as an autoscaler asks. */
export interface InstanceType {
  readonly name: string;
  readonly arch: 'x86_64' | 'arm64';
  /** `intel`, `amd`, `amazon-web-services`. */
  readonly cpuManufacturer: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly accelerator?: Accelerator;
  /** GB of local disks; absent: none. */
  readonly localStorageGb?: number;
  readonly bareMetal: boolean;
  readonly burstable: boolean;
  readonly currentGeneration: boolean;
  readonly bucket: QuotaBucket;
  /** US dollars an hour, Linux on-demand in us-east-1; decides only where a strategy goes by price. */
  readonly price: number;
}
