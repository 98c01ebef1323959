/** Ridge regression: closed form, no choices but the penalty. As a classifier it answers with one-hot targets. */

/** Weights of standardised features. */
export interface RidgeModel {
  /** One number for each target. */
  answer(features: ArrayLike<number>): Float64Array;
}

/**
 * Fits a linear map with an offset.
 * @param rows features `[N, D]`
 * @param targets `[N, K]`
 * @param penalty on the weights, as a share of the number of rows
 */
export function fitRidge(
  rows: readonly Float32Array[],
  targets: readonly ArrayLike<number>[],
  penalty = 0.01,
): RidgeModel {
  const count = rows.length;
  const dim = rows[0].length;
  const columns = targets[0].length;
  const { mean, scale } = standardization(rows);
  const gram = new Float64Array(dim * dim);
  const moments = new Float64Array(dim * columns);
  const offset = new Float64Array(columns);
  const x = new Float64Array(dim);
  for (let n = 0; n < count; n++) {
    for (let d = 0; d < dim; d++) x[d] = (rows[n][d] - mean[d]) * scale[d];
    for (let i = 0; i < dim; i++) {
      const xi = x[i];
      if (xi === 0) continue;
      for (let j = 0, at = i * dim; j <= i; j++) gram[at + j] += xi * x[j];
      for (let c = 0, at = i * columns; c < columns; c++) moments[at + c] += xi * targets[n][c];
    }
    for (let c = 0; c < columns; c++) offset[c] += targets[n][c] / count;
  }
  for (let i = 0; i < dim; i++) gram[i * dim + i] += penalty * count;
  const weights = solve(gram, moments, dim, columns);
  return {
    answer(features) {
      const out = offset.slice();
      for (let d = 0; d < dim; d++) {
        const value = (features[d] - mean[d]) * scale[d];
        for (let c = 0; c < columns; c++) out[c] += value * weights[d * columns + c];
      }
      return out;
    },
  };
}

/**
 * A classifier: the class with the largest answer.
 * @param labels class of each row
 */
export function fitClassifier(
  rows: readonly Float32Array[],
  labels: ArrayLike<number>,
  classes: number,
): { predict(features: ArrayLike<number>): number } {
  const oneHot = Array.from({ length: classes }, (_, c) =>
    Float32Array.from({ length: classes }, (_, i) => +(i === c)),
  );
  const model = fitRidge(
    rows,
    rows.map((_, n) => oneHot[labels[n]]),
  );
  return {
    predict(features) {
      const scores = model.answer(features);
      return scores.indexOf(Math.max(...scores));
    },
  };
}

function standardization(rows: readonly Float32Array[]): { mean: Float64Array; scale: Float64Array } {
  const dim = rows[0].length;
  const mean = new Float64Array(dim);
  const square = new Float64Array(dim);
  for (const row of rows)
    for (let d = 0; d < dim; d++) {
      mean[d] += row[d] / rows.length;
      square[d] += (row[d] * row[d]) / rows.length;
    }
  return { mean, scale: square.map((s, d) => 1 / Math.sqrt(Math.max(0, s - mean[d] ** 2) + 1e-8)) };
}

/** X of `A X = B` for a symmetric positive definite A `[D, D]`, of which the lower triangle is given: Cholesky, in place. */
function solve(a: Float64Array, b: Float64Array, dim: number, columns: number): Float64Array {
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * dim + j];
      for (let k = 0; k < j; k++) sum -= a[i * dim + k] * a[j * dim + k];
      a[i * dim + j] = i === j ? Math.sqrt(sum) : sum / a[j * dim + j];
    }
  }
  const x = b.slice();
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < dim; i++) {
      let sum = x[i * columns + c];
      for (let k = 0; k < i; k++) sum -= a[i * dim + k] * x[k * columns + c];
      x[i * columns + c] = sum / a[i * dim + i];
    }
    for (let i = dim - 1; i >= 0; i--) {
      let sum = x[i * columns + c];
      for (let k = i + 1; k < dim; k++) sum -= a[k * dim + i] * x[k * columns + c];
      x[i * columns + c] = sum / a[i * dim + i];
    }
  }
  return x;
}
