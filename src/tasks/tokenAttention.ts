/**
 * What tokens look at, down to single inputs: attention rollout (Abnar & Zuidema 2020, arXiv 2005.00928), through windows and
 * merged tokens too. Half of what a layer gives a token is the token itself, by the residual connection.
 */
import type { TokenAttention } from '../models/index.js';

/** Weights of attention by the taps' names, with their shapes. */
export type Weights = Record<string, { values: Float32Array; shape: readonly number[] }>;

/** Of a layer's output, how much comes from the token itself. */
const RESIDUAL = 0.5;

/** Shares of each last token in each first token (or row), `[Q, T]`; rows sum to 1. */
export interface Rollout {
  shares: Float64Array;
  queries: number;
}

/**
 * Follows the weights from the last tokens, those after `block`, back to the first.
 * @param weights of one example
 */
export function rollout({ steps }: TokenAttention, weights: Weights, block = Number.POSITIVE_INFINITY): Rollout {
  const until = steps.filter((step) => step.block <= block);
  const queries = lastCount(until, weights);
  let shares = new Float64Array(queries * queries);
  for (let q = 0; q < queries; q++) shares[q * queries + q] = 1;
  // What later readings of the input took, where there are several.
  let taken: Float64Array | undefined;
  const firstRead = until.findIndex(({ kind }) => kind === 'read');
  for (const step of [...until].reverse()) {
    const columns = shares.length / queries;
    if (step.kind === 'merge') {
      const count = Math.max(...step.of) + 1;
      const before = new Float64Array(queries * count);
      for (let q = 0; q < queries; q++)
        step.of.forEach((member, i) => {
          before[q * count + member] += shares[q * columns + Math.floor(i / step.members)] / step.members;
        });
      shares = before;
      continue;
    }
    const { values, shape } = weights[step.tap];
    const read =
      step.kind === 'mix' && step.windows
        ? throughWindows(shares, queries, values, shape, step.windows)
        : throughMap(shares, queries, values, shape);
    if (step.kind === 'mix') shares = read.map((share, i) => (1 - RESIDUAL) * share + RESIDUAL * shares[i]);
    else if (step === until[firstRead]) shares = read.map((share, i) => share + (taken?.[i] ?? 0));
    else {
      taken = read.map((share, i) => (1 - RESIDUAL) * share + (taken?.[i] ?? 0));
      shares = shares.map((share) => RESIDUAL * share);
    }
  }
  return { shares, queries };
}

/** Tokens after the last step. */
function lastCount(steps: TokenAttention['steps'], weights: Weights): number {
  const last = steps[steps.length - 1];
  if (last.kind === 'merge') return last.of.length / last.members;
  if (last.kind === 'mix' && last.windows) return last.windows.length;
  const { shape } = weights[last.tap];
  return shape[shape.length - 2];
}

/** `[Q, N]` times the mean of the heads of `[heads, N, M]` → `[Q, M]`. */
function throughMap(left: Float64Array, queries: number, values: Float32Array, shape: readonly number[]): Float64Array {
  const [heads, rows, columns] = shape.slice(-3);
  const out = new Float64Array(queries * columns);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const own = values.subarray((head * rows + row) * columns, (head * rows + row + 1) * columns);
      for (let q = 0; q < queries; q++) {
        const share = left[q * rows + row] / heads;
        if (share === 0) continue;
        for (let m = 0; m < columns; m++) out[q * columns + m] += share * own[m];
      }
    }
  }
  return out;
}

/** The same inside windows `[W, heads, n, n]`, of which `places` tells the tokens. */
function throughWindows(
  left: Float64Array,
  queries: number,
  values: Float32Array,
  shape: readonly number[],
  places: Int32Array,
): Float64Array {
  const [windows, heads, size] = shape.slice(-4);
  const count = places.length;
  const out = new Float64Array(queries * count);
  for (let window = 0; window < windows; window++)
    for (let head = 0; head < heads; head++)
      for (let row = 0; row < size; row++) {
        const from = ((window * heads + head) * size + row) * size;
        const token = places[window * size + row];
        for (let q = 0; q < queries; q++) {
          const share = left[q * count + token] / heads;
          if (share === 0) continue;
          for (let k = 0; k < size; k++) out[q * count + places[window * size + k]] += share * values[from + k];
        }
      }
  return out;
}

/**
 * Shares of first tokens as shares of the elements that they are made of, `[Q, I]`, evenly; and what falls on tokens without a
 * place, `[Q]`.
 * @param indexShape grid of the elements
 */
export function overElements(
  { shares, queries }: Rollout,
  { prefix, grid, parts = 1 }: TokenAttention,
  indexShape: readonly number[],
): { map: Float32Array; elsewhere: Float64Array } {
  const tokens = shares.length / queries;
  const places = grid.reduce((product, n) => product * n, 1);
  const elements = indexShape.reduce((product, n) => product * n, 1);
  const tokenOf = Int32Array.from({ length: elements }, (_, element) => placeOf(element, indexShape, grid));
  const map = new Float32Array(queries * elements);
  const elsewhere = new Float64Array(queries);
  for (let q = 0; q < queries; q++) {
    const own = shares.subarray(q * tokens, (q + 1) * tokens);
    for (let i = 0; i < prefix; i++) elsewhere[q] += own[i];
    for (let e = 0; e < elements; e++) {
      let sum = 0;
      for (let part = 0; part < parts; part++) sum += own[prefix + part * places + tokenOf[e]];
      map[q * elements + e] = (sum * places) / elements;
    }
  }
  return { map, elsewhere };
}

/** The place on a coarser grid that an element lies in. */
function placeOf(element: number, indexShape: readonly number[], grid: readonly number[]): number {
  let [rest, place, stride] = [element, 0, 1];
  for (let axis = grid.length - 1; axis >= 0; axis--) {
    const at = rest % indexShape[axis];
    rest = Math.floor(rest / indexShape[axis]);
    place += Math.floor((at * grid[axis]) / indexShape[axis]) * stride;
    stride *= grid[axis];
  }
  return place;
}
