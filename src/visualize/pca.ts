import { ensure } from '../errors/index.js';

/** Rows of a table along its directions of largest variance. */
export interface PrincipalComponents {
  /** `[I, K]`: every row in the coordinates of the components. */
  readonly projected: Float32Array;
  /** `[K, E]`: unit vectors, by falling variance. */
  readonly components: Float64Array;
  /** `[K]`: variance along each component. */
  readonly variances: Float64Array;
  /** `[K]`: the same as a share of the total variance; 0 for a constant table. */
  readonly explained: Float64Array;
}

/**
 * Principal components of `table` `[I, E]`, `count` = K of them (the missing ones of a narrower table are zero). Each
 * component's sign is chosen so that its entry of largest size is positive: equal tables give equal pictures. Rows with
 * a value that is not finite are left out of the fit and projected to NaN.
 */
export function principalComponents(table: ArrayLike<number>, embedDim: number, count: number): PrincipalComponents {
  const rows = table.length / embedDim;
  ensure(
    Number.isInteger(rows),
    () => `A table of ${table.length} values does not split into rows of ${embedDim}: check the embedding dimension.`,
  );
  const { mean, covariance } = moments(table, rows, embedDim);
  const { values, vectors } = symmetricEigen(covariance, embedDim);
  const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a]);
  const total = values.reduce((a, b) => a + Math.max(0, b), 0);

  const components = new Float64Array(count * embedDim);
  const variances = new Float64Array(count);
  for (let k = 0; k < Math.min(count, embedDim); k++) {
    variances[k] = Math.max(0, values[order[k]]);
    let largest = 0;
    for (let e = 0; e < embedDim; e++) {
      components[k * embedDim + e] = vectors[e * embedDim + order[k]];
      // A margin of 1e-9 decides ties by the lower index, whatever the last bit of rounding says.
      if (Math.abs(components[k * embedDim + e]) > Math.abs(components[k * embedDim + largest]) + 1e-9) largest = e;
    }
    if (components[k * embedDim + largest] < 0) for (let e = 0; e < embedDim; e++) components[k * embedDim + e] *= -1;
  }

  const projected = new Float32Array(rows * count);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < count; k++) {
      let sum = 0;
      for (let e = 0; e < embedDim; e++) sum += (table[i * embedDim + e] - mean[e]) * components[k * embedDim + e];
      projected[i * count + k] = Number.isFinite(sum) ? sum : Number.NaN;
    }
  }
  return { projected, components, variances, explained: variances.map((v) => (total > 0 ? v / total : 0)) };
}

/** Mean `[E]` and covariance `[E, E]` of the finite rows. */
function moments(
  table: ArrayLike<number>,
  rows: number,
  width: number,
): { mean: Float64Array; covariance: Float64Array } {
  const finite: number[] = [];
  const mean = new Float64Array(width);
  for (let i = 0; i < rows; i++) {
    let usable = true;
    for (let e = 0; e < width; e++) usable &&= Number.isFinite(table[i * width + e]);
    if (!usable) continue;
    finite.push(i);
    for (let e = 0; e < width; e++) mean[e] += table[i * width + e];
  }
  for (let e = 0; e < width; e++) mean[e] /= Math.max(1, finite.length);
  const covariance = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (const i of finite) {
    for (let e = 0; e < width; e++) centred[e] = table[i * width + e] - mean[e];
    for (let a = 0; a < width; a++) {
      for (let b = a; b < width; b++) covariance[a * width + b] += centred[a] * centred[b];
    }
  }
  for (let a = 0; a < width; a++) {
    for (let b = a; b < width; b++) covariance[b * width + a] = covariance[a * width + b] /= Math.max(1, finite.length);
  }
  return { mean, covariance };
}

/**
 * Eigenvalues and eigenvectors (columns) of a symmetric matrix `[n, n]` by cyclic Jacobi rotations: each rotation makes
 * one off-diagonal entry zero; a few sweeps over all of them reach the precision of doubles.
 */
export function symmetricEigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const scale = Math.sqrt(a.reduce((sum, x) => sum + x * x, 0));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p * n + q] ** 2;
    if (Math.sqrt(off) <= 1e-14 * scale) break;
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), vectors };
}

function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  if (apq === 0) return;
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1)); // the smaller of the two angles
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const [kp, kq] = [a[k * n + p], a[k * n + q]];
    a[k * n + p] = c * kp - s * kq;
    a[k * n + q] = s * kp + c * kq;
  }
  for (let k = 0; k < n; k++) {
    const [pk, qk] = [a[p * n + k], a[q * n + k]];
    a[p * n + k] = c * pk - s * qk;
    a[q * n + k] = s * pk + c * qk;
  }
  for (let k = 0; k < n; k++) {
    const [vp, vq] = [vectors[k * n + p], vectors[k * n + q]];
    vectors[k * n + p] = c * vp - s * vq;
    vectors[k * n + q] = s * vp + c * vq;
  }
}
