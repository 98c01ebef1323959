/** Tables of positions that begin as sines and cosines of column and row, as MAE's do. */
import type { Tensor } from '../graph/index.js';
import { type Scope, type Size2d, sincos2d } from '../nn/index.js';

/** The table `[1, 1 + L, D]`, which is trained unless `frozen`: zeros for the class token, then one row for each patch. */
export function gridPositions(
  scope: Scope,
  name: string,
  width: number,
  grid: Size2d,
  { frozen }: { frozen: boolean },
): Tensor {
  const rows = 1 + grid[0] * grid[1];
  const values = () => {
    const table = new Float32Array(rows * width);
    table.set(sincos2d(width, grid).data, width);
    return table;
  };
  return scope.parameter(name, [1, rows, width], { kind: 'values', values }, { frozen });
}
