/**
 * Which measured values cannot be. A running container holds memory, so exactly 0 bytes is not a measurement but a hole that somebody filled: adapters
 * write 0 where their query gave nothing, NaN or a negative number (metrics specification §A.6). Then a CPU of exactly 0 beside it is such a hole as well; a
 * CPU of 0 with memory is an idle container. Negative and infinite values are no usage at all. What cannot be is unknown, never 0.
 *
 * Amounts are in thousandths; NaN is unknown, here as in the columns of a `UsageTable`.
 */
export function plausibleMemory(memoryMilli: number): number {
  return memoryMilli > 0 && memoryMilli < Infinity ? memoryMilli : Number.NaN;
}

/** CPU of the same sample as `memoryMilli`, which is given as it was measured. */
export function plausibleCpu(cpuMilli: number, memoryMilli: number): number {
  if (!(cpuMilli >= 0 && cpuMilli < Infinity)) return Number.NaN;
  return cpuMilli === 0 && memoryMilli === 0 ? Number.NaN : cpuMilli;
}

/** True when a value was given that cannot be. One that is missing (NaN) is no offence. */
export function isImplausible(cpuMilli: number, memoryMilli: number): boolean {
  return isBadCpu(cpuMilli) || memoryMilli <= 0 || memoryMilli === Infinity;
}

function isBadCpu(cpuMilli: number): boolean {
  return cpuMilli < 0 || cpuMilli === Infinity;
}

/** One sentence on an implausible sample; `where` is the container's name as a person may read it. */
export function implausibleSentence(where: string, cpuMilli: number, memoryMilli: number): string {
  if (!isBadCpu(cpuMilli) && memoryMilli === 0) {
    const what = cpuMilli === 0 ? '0 CPU and 0 bytes of memory, so both are' : '0 bytes of memory, so its memory is';
    return `${where} is reported with ${what} unknown: a running container has memory; check whether the metrics adapter fills gaps with 0`;
  }
  const cpu = isBadCpu(cpuMilli) ? [`a CPU of ${cpuMilli}m`] : [];
  const memory = memoryMilli <= 0 || memoryMilli === Infinity ? [`a memory of ${memoryMilli / 1000} bytes`] : [];
  return `${where} is reported with ${[...cpu, ...memory].join(' and ')}, which cannot be and is taken as unknown: check the metrics adapter`;
}
