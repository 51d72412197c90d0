/**
 * Seeds of the scenes: so many from the first on, or those that `PREDICTION_SEEDS` names (`17`, `3,5`, `100-400`), to play a scene again that has
 * failed or to look for more.
 */
export function predictionSeeds(first: number, count: number): readonly number[] {
  const wanted = process.env['PREDICTION_SEEDS'] ?? '';
  if (wanted === '') return Array.from({ length: count }, (_, index) => first + index);
  return wanted.split(',').flatMap((part) => {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    if (!Number.isInteger(from) || !Number.isInteger(to))
      throw new RangeError(`PREDICTION_SEEDS=${wanted}: ${part} is neither a seed nor a range`);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  });
}
