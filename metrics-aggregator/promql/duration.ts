const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** Milliseconds of a number or duration literal of PromQL (`5m`, `1h30m`, `300`, `0x10`, `1_000`); `undefined` for `inf`, `nan` and other text. */
export function literalMs(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const bare = text.replace(/^[-+]/, '');
  if (/^(?:\d+(?:ms|[smhdwy]))+$/.test(bare)) {
    let total = 0;
    for (const [, count = '', unit = ''] of bare.matchAll(/(\d+)(ms|[smhdwy])/g)) total += Number(count) * (unitMs[unit] ?? Number.NaN);
    return sign * total;
  }
  if (!/^(?:0x[0-9a-f]+|[\d_.]+(?:e[-+]?[\d_]+)?)$/i.test(bare)) return undefined;
  const seconds = Number(bare.replaceAll('_', ''));
  return Number.isFinite(seconds) ? sign * seconds * 1000 : undefined;
}

/** A duration as PromQL reads it everywhere: whole milliseconds, in the largest unit that fits. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    const size = unitMs[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${Math.max(1, Math.round(ms))}ms`;
}
