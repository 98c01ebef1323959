/**
 * Did the model find the geometry of a signal? Positions start as meaningless numbers. If learning gave neighbouring pixels
 * (samples, pixels of neighbouring frames, points along their curve) similar embeddings, the nearest neighbours of a
 * position in embedding space are its neighbours in the signal. Index shapes have any number of axes.
 */
import { ensure } from '../errors/index.js';
import { choose, fold, type Key, keyFrom } from '../random/index.js';

/** What counts as a neighbour, in both spaces. */
export interface LocalityOptions {
  /** Nearest neighbours looked at, by cosine similarity; default 8. */
  neighbours?: number;
  /**
   * What counts as near, in steps along the axes. Default: 2 on a plane (24 positions), 8 on a line (16), 1 in three axes or
   * more (26 and more), so that there are always two to four times as many near positions as neighbours are looked at.
   */
  distance?: number;
  /**
   * `chebyshev` (default): the largest step along an axis, 24 positions at distance 2 on a plane. `euclidean`: the root of
   * the sum of squares, 12 positions.
   */
  metric?: 'euclidean' | 'chebyshev';
  /** Positions asked about; all of them up to this limit, else a sample. Default: 4096, and fewer in very large tables. */
  limit?: number;
  /** Draws the sample; default a fixed key, so that the score of a table never changes. */
  key?: Key;
}

/** The score, and what it is made of. */
export interface Locality {
  /** Mean over positions of the share of their nearest neighbours in embedding space that are near in the signal. */
  readonly score: number;
  /** The score expected of random neighbours. */
  readonly chance: number;
  /** Distance in the signal of every neighbour found, in the chosen metric, `[Q * neighbours]`. */
  readonly distances: Float32Array;
  /** Positions asked about. */
  readonly queries: number;
}

/** {@link locality}'s score alone. */
export function localityScore(table: Float32Array, shape: readonly number[], options: LocalityOptions = {}): number {
  return locality(table, shape, options).score;
}

/** Multiplications that a score may cost; each takes about a nanosecond. */
const AFFORDABLE = 8e9;

/** Positions to ask about in a table of so many numbers. */
function affordable(numbers: number): number {
  return Math.min(4096, Math.max(64, Math.floor(AFFORDABLE / numbers)));
}

/** What counts as near where nobody says it, by the number of axes. */
export function usualDistance(shape: readonly number[]): number {
  return { 1: 8, 2: 2 }[shape.length] ?? 1;
}

/**
 * Locality of a position table `[I, E]`, I the product of the index shape. A position whose embedding is not finite is no
 * one's neighbour and finds none; missing neighbours count as far. Cost: positions asked about × I × E multiplications, of
 * which the default limit allows a few seconds.
 */
export function locality(table: Float32Array, shape: readonly number[], options: LocalityOptions = {}): Locality {
  const { neighbours = 8, distance = usualDistance(shape), key = keyFrom(0) } = options;
  const { limit = affordable(table.length) } = options;
  const positions = shape.reduce((a, b) => a * b, 1);
  ensure(
    positions > 1 && table.length % positions === 0 && table.length > 0,
    () =>
      `A position table of ${table.length} values does not split into ${shape.join('x')} rows: check the index shape.`,
  );
  const wanted = Math.min(neighbours, positions - 1);
  const unit = unitRows(table, positions);
  const queries =
    positions <= limit
      ? Int32Array.from({ length: positions }, (_, i) => i)
      : choose(fold(key, 'locality'), positions, limit);
  const lengthBetween = distanceOf(shape, options.metric);

  const distances = new Float32Array(queries.length * wanted);
  let [found, hits] = [0, 0];
  nearestRows(unit, positions, queries, wanted, (query, neighbour) => {
    const length = lengthBetween(query, neighbour);
    distances[found++] = length;
    if (length <= distance) hits++;
  });
  return {
    score: hits / (queries.length * wanted),
    chance: localityChance(shape, options),
    distances: distances.subarray(0, found),
    queries: queries.length,
  };
}

/**
 * The exact expected score of neighbours drawn at random from the other positions: the mean number of positions near a
 * position (fewer at the edges), over I − 1. At 28x28 and distance 2: 0.0144 Euclidean, 0.0280 Chebyshev.
 */
export function localityChance(shape: readonly number[], options: LocalityOptions = {}): number {
  const { distance = usualDistance(shape), metric } = options;
  const reach = Math.floor(distance);
  const positions = shape.reduce((a, b) => a * b, 1);
  let pairs = 0;
  // An offset fits into an axis of S positions at S − |offset| places.
  const count = (axis: number, offset: number[], places: number): void => {
    if (axis === shape.length) {
      if (offset.some((d) => d !== 0) && lengthOf(offset, metric) <= distance) pairs += places;
      return;
    }
    const most = Math.min(reach, shape[axis] - 1);
    for (let d = -most; d <= most; d++) count(axis + 1, [...offset, d], places * (shape[axis] - Math.abs(d)));
  };
  count(0, [], 1);
  return pairs / positions / (positions - 1);
}

/** Rows scaled to length 1, so that a dot product is the cosine; a zero row stays zero. */
export function unitRows(table: Float32Array, rows: number): Float32Array {
  const width = table.length / rows;
  const unit = new Float32Array(table.length);
  for (let i = 0; i < rows; i++) {
    let square = 0;
    for (let e = 0; e < width; e++) square += table[i * width + e] ** 2;
    const scale = square > 0 ? 1 / Math.sqrt(square) : square === 0 ? 0 : Number.NaN;
    for (let e = 0; e < width; e++) unit[i * width + e] = table[i * width + e] * scale;
  }
  return unit;
}

type Metric = LocalityOptions['metric'];

/** Length of a step given along each axis. */
function lengthOf(offset: readonly number[], metric: Metric = 'chebyshev'): number {
  return metric === 'chebyshev' ? offset.reduce((most, d) => Math.max(most, Math.abs(d)), 0) : Math.hypot(...offset);
}

/** Distance of two positions given by their numbers, the last axis running fastest. */
function distanceOf(shape: readonly number[], metric: Metric): (a: number, b: number) => number {
  const offset = shape.map(() => 0);
  return (a, b) => {
    let [restA, restB] = [a, b];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset[axis] = (restA % shape[axis]) - (restB % shape[axis]);
      restA = Math.floor(restA / shape[axis]);
      restB = Math.floor(restB / shape[axis]);
    }
    return lengthOf(offset, metric);
  };
}

/**
 * Calls `visit` for the `count` rows of largest dot product with each query row, itself left out; ties go to the lower
 * index. Four queries share one pass over the table, which halves the time.
 */
function nearestRows(
  unit: Float32Array,
  rows: number,
  queries: Int32Array,
  count: number,
  visit: (query: number, neighbour: number) => void,
): void {
  const width = unit.length / rows;
  const table = Float64Array.from(unit); // doubles: V8 would convert every single float at each use
  const rowOf = (q: number): Float64Array => table.subarray(q * width, (q + 1) * width);
  for (let start = 0; start < queries.length; start += 4) {
    const block = queries.subarray(start, start + 4);
    const [q0, q1, q2, q3] = [0, 1, 2, 3].map((j) => rowOf(block[Math.min(j, block.length - 1)]));
    const best = [0, 1, 2, 3].map(() => new Nearest(count));
    const [n0, n1, n2, n3] = best;
    for (let i = 0, base = 0; i < rows; i++, base += width) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let e = 0; e < width; e++) {
        const value = table[base + e];
        a += q0[e] * value;
        b += q1[e] * value;
        c += q2[e] * value;
        d += q3[e] * value;
      }
      if (a > n0.threshold && i !== block[0]) n0.add(i, a);
      if (b > n1.threshold && i !== block[1]) n1.add(i, b);
      if (c > n2.threshold && i !== block[2]) n2.add(i, c);
      if (d > n3.threshold && i !== block[3]) n3.add(i, d);
    }
    block.forEach((query, j) => best[j].rows.forEach((row) => visit(query, row)));
  }
}

/** The rows of largest similarity so far, in falling order. */
class Nearest {
  readonly rows: number[] = [];
  private readonly similarities: number[] = [];
  /** What a row must exceed to enter; a similarity that is not a number never does. */
  threshold = Number.NEGATIVE_INFINITY;

  constructor(private readonly count: number) {}

  add(row: number, similarity: number): void {
    let slot = this.rows.length;
    while (slot > 0 && this.similarities[slot - 1] < similarity) slot--;
    this.rows.splice(slot, 0, row);
    this.similarities.splice(slot, 0, similarity);
    if (this.rows.length > this.count) {
      this.rows.pop();
      this.similarities.pop();
    }
    if (this.rows.length === this.count) this.threshold = this.similarities[this.count - 1];
  }
}
