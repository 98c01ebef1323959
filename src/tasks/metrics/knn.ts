/** k-nearest-neighbour classification of frozen features: the evaluation that needs no training. */
import { ensure } from '../../errors/index.js';
import { topKIndices } from './accuracy.js';
import { classAt, columnsOf, type Labels } from './labels.js';

/** A labelled set, what to classify by it, and how neighbours vote. */
export interface KnnOptions {
  /** `[N, D]` features of the labelled set. */
  trainFeatures: Float32Array;
  /** `[N]` class indices. */
  trainLabels: Labels;
  /** `[M, D]` features to classify. */
  testFeatures: Float32Array;
  numClasses: number;
  /** Neighbours that vote (default 20); at most N are used. */
  k?: number;
  /** A neighbour of cosine similarity s votes with weight exp(s / temperature) (default 0.07). */
  temperature?: number;
}

/** Classes by vote. */
export interface KnnResult {
  /** `[M]` the class with the largest vote; equal votes go to the lower index. */
  predictions: Int32Array;
  /** `[M, C]` share of the vote of each class; every row sums to 1. */
  votes: Float32Array;
}

/**
 * Classifies by temperature-weighted vote of the `k` nearest training features under cosine similarity (Wu et al.
 * 2018, "Unsupervised feature learning via non-parametric instance discrimination"; the protocol of DINO).
 */
export function knnClassify(options: KnnOptions): KnnResult {
  const { trainFeatures, trainLabels, testFeatures, numClasses, k = 20, temperature = 0.07 } = options;
  ensure(temperature > 0, () => `kNN: temperature is ${temperature} but must be above 0.`);
  ensure(Number.isInteger(k) && k >= 1, () => `kNN: k is ${k} but must be a whole number of at least 1.`);
  const dim = columnsOf(trainFeatures, trainLabels.length, 'Training features');
  const numTest = testFeatures.length / dim;
  ensure(
    Number.isInteger(numTest),
    () =>
      `kNN: ${testFeatures.length} test values do not divide into features of width ${dim}, the training features' width.`,
  );
  const labels = Int32Array.from({ length: trainLabels.length }, (_, i) =>
    classAt(trainLabels, i, numClasses, 'trainLabels'),
  );

  const neighbours = nearestNeighbours(trainFeatures, testFeatures, dim, Math.min(k, labels.length));
  const votes = new Float32Array(numTest * numClasses);
  const row = new Float64Array(numClasses);
  for (let i = 0; i < numTest; i++) {
    row.fill(0);
    let total = 0;
    const nearest = neighbours.similarities[i * neighbours.k];
    for (let n = i * neighbours.k; n < (i + 1) * neighbours.k; n++) {
      // Relative to the nearest, so that no temperature overflows.
      const weight = Math.exp((neighbours.similarities[n] - nearest) / temperature);
      row[labels[neighbours.indices[n]]] += weight;
      total += weight;
    }
    for (let c = 0; c < numClasses; c++) votes[i * numClasses + c] = row[c] / total;
  }
  return { predictions: topKIndices(votes, numClasses, 1), votes };
}

/** Nearest rows of a set, for several queries. */
export interface Neighbours {
  k: number;
  /** `[M, k]` training indices, nearest first; equal similarities in order of index. */
  indices: Int32Array;
  /** `[M, k]` cosine similarities. */
  similarities: Float64Array;
}

// A block of 64 x 256 doubles stays in the second-level cache while a tile's test rows pass over it.
const BLOCK_ROWS = 64;
const TILE = 4;

/** The `k` nearest of `train` `[N, D]` for each row of `test` `[M, D]` by cosine similarity; a zero vector is similar to nothing. */
export function nearestNeighbours(train: Float32Array, test: Float32Array, dim: number, k: number): Neighbours {
  const numTrain = train.length / dim;
  const numTest = test.length / dim;
  const indices = new Int32Array(numTest * k);
  const similarities = new Float64Array(numTest * k).fill(-Infinity);
  const queries = normalised(test, 0, numTest, dim, 'Test');
  const tile = new Float64Array(TILE * TILE);
  for (let start = 0; start < numTrain; start += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, numTrain - start);
    const block = normalised(train, start, rows, dim, 'Training');
    for (let i = 0; i < numTest; i += TILE) {
      for (let j = 0; j < rows; j += TILE) {
        dotTile(queries, i * dim, block, j * dim, dim, tile);
        for (let a = 0; a < TILE && i + a < numTest; a++) {
          const base = (i + a) * k;
          for (let b = 0; b < TILE && j + b < rows; b++) {
            const similarity = tile[a * TILE + b];
            if (similarity > similarities[base + k - 1])
              insert(similarities, indices, base, k, similarity, start + j + b);
          }
        }
      }
    }
  }
  return { k, indices, similarities };
}

/** Puts a candidate into the sorted k of one test row, dropping the last. */
function insert(
  similarities: Float64Array,
  indices: Int32Array,
  base: number,
  k: number,
  similarity: number,
  index: number,
): void {
  let place = base + k - 1;
  for (; place > base && similarities[place - 1] < similarity; place--) {
    similarities[place] = similarities[place - 1];
    indices[place] = indices[place - 1];
  }
  similarities[place] = similarity;
  indices[place] = index;
}

/** Rows of unit length as doubles, padded with zero rows to a whole number of tiles. */
function normalised(features: Float32Array, start: number, rows: number, dim: number, what: string): Float64Array {
  const out = new Float64Array(Math.ceil(rows / TILE) * TILE * dim);
  for (let r = 0; r < rows; r++) {
    const from = (start + r) * dim;
    let square = 0;
    for (let d = 0; d < dim; d++) square += features[from + d] ** 2;
    ensure(
      Number.isFinite(square),
      () => `kNN: ${what.toLowerCase()} feature row ${start + r} is not finite; check the model's output.`,
    );
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let d = 0; d < dim; d++) out[r * dim + d] = features[from + d] * scale;
  }
  return out;
}

/**
 * The 16 dot products of four rows of `x` with four rows of `y`. Sixteen local sums keep eight loads for sixteen
 * multiply-adds in registers: about four times a plain loop over pairs.
 */
function dotTile(x: Float64Array, xAt: number, y: Float64Array, yAt: number, dim: number, out: Float64Array): void {
  let s00 = 0,
    s01 = 0,
    s02 = 0,
    s03 = 0,
    s10 = 0,
    s11 = 0,
    s12 = 0,
    s13 = 0;
  let s20 = 0,
    s21 = 0,
    s22 = 0,
    s23 = 0,
    s30 = 0,
    s31 = 0,
    s32 = 0,
    s33 = 0;
  const dim2 = 2 * dim;
  const dim3 = 3 * dim;
  for (let d = 0, i = xAt, j = yAt; d < dim; d++, i++, j++) {
    const x0 = x[i],
      x1 = x[i + dim],
      x2 = x[i + dim2],
      x3 = x[i + dim3];
    const y0 = y[j],
      y1 = y[j + dim],
      y2 = y[j + dim2],
      y3 = y[j + dim3];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
  }
  out[0] = s00;
  out[1] = s01;
  out[2] = s02;
  out[3] = s03;
  out[4] = s10;
  out[5] = s11;
  out[6] = s12;
  out[7] = s13;
  out[8] = s20;
  out[9] = s21;
  out[10] = s22;
  out[11] = s23;
  out[12] = s30;
  out[13] = s31;
  out[14] = s32;
  out[15] = s33;
}
