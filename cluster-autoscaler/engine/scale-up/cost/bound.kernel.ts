/** Prices of resources that explain the prices of pools: the dual of "buy the cheapest nodes whose sum covers the demand". */
export interface ShadowPrices {
  /** Per unit of each demand, in its order. What a node holds is never worth more than the node costs. */
  readonly perUnit: Float64Array;
  /** Price of the whole demand: no set of these pools that covers it is cheaper, fractions of nodes allowed. */
  readonly total: number;
}

/**
 * Solves the linear programme by the simplex method: maximize Σ demand·y, where for each pool Σ supply·y ≤ price, y ≥ 0. `supply` has a row of
 * `demand.length` for each pool. A demand that no pool supplies has no price (0).
 */
export function shadowPrices(supply: Float64Array, prices: Float64Array, demand: Float64Array): ShadowPrices {
  const rows = prices.length;
  const columns = demand.length;
  const width = columns + 1;
  // Columns are scaled by their demand, so that all of them weigh alike; the last column is the right-hand side, the last row the objective.
  const table = new Float64Array((rows + 1) * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const wanted = demand[column]!;
      table[row * width + column] = wanted > 0 ? supply[row * columns + column]! / wanted : 0;
    }
    table[row * width + columns] = prices[row]!;
  }
  for (let column = 0; column < columns; column++) table[rows * width + column] = demand[column]! > 0 ? 1 : 0;
  // Which variable a row or column stands for: y of a demand from 0, slack of a pool from `columns`.
  const inRow = Int32Array.from({ length: rows }, (_, row) => columns + row);
  const inColumn = Int32Array.from({ length: columns }, (_, column) => column);
  for (let steps = 0; steps < 50 * (columns + 1); steps++) {
    const column = entering(table, rows, columns);
    if (column < 0) break;
    const row = leaving(table, rows, { columns, column });
    if (row < 0) {
      // Nobody supplies it.
      table[rows * width + column] = 0;
      continue;
    }
    pivot(table, { rows, columns, row, column });
    const variable = inRow[row]!;
    inRow[row] = inColumn[column]!;
    inColumn[column] = variable;
  }
  const perUnit = new Float64Array(columns);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const variable = inRow[row]!;
    if (variable >= columns) continue;
    const scaled = Math.max(0, table[row * width + columns]!);
    total += scaled;
    perUnit[variable] = scaled / demand[variable]!;
  }
  return { perUnit, total };
}

const tiny = 1e-12;

function entering(table: Float64Array, rows: number, columns: number): number {
  let best = tiny;
  let found = -1;
  for (let column = 0; column < columns; column++) {
    const gain = table[rows * (columns + 1) + column]!;
    if (gain > best) {
      best = gain;
      found = column;
    }
  }
  return found;
}

function leaving(table: Float64Array, rows: number, { columns, column }: { readonly columns: number; readonly column: number }): number {
  const width = columns + 1;
  let best = Number.POSITIVE_INFINITY;
  let found = -1;
  for (let row = 0; row < rows; row++) {
    const factor = table[row * width + column]!;
    if (factor <= tiny) continue;
    const ratio = table[row * width + columns]! / factor;
    if (ratio < best) {
      best = ratio;
      found = row;
    }
  }
  return found;
}

interface Pivot {
  readonly rows: number;
  readonly columns: number;
  readonly row: number;
  readonly column: number;
}

function pivot(table: Float64Array, { rows, columns, row, column }: Pivot): void {
  const width = columns + 1;
  const start = row * width;
  const inverse = 1 / table[start + column]!;
  for (let other = 0; other <= rows; other++) {
    if (other === row) continue;
    const factor = table[other * width + column]! * inverse;
    if (factor === 0) continue;
    for (let each = 0; each < width; each++) {
      if (each !== column) table[other * width + each]! -= table[start + each]! * factor;
    }
    table[other * width + column] = -factor;
  }
  for (let each = 0; each < width; each++) if (each !== column) table[start + each]! *= inverse;
  table[start + column] = inverse;
}
