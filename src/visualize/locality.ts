/**
 * Did the model find the geometry of the image? Positions start as meaningless numbers. If learning gave neighbouring
 * pixels similar embeddings, the nearest neighbours of a position in embedding space are its neighbours in the image.
 */
import { ensure } from '../errors/index.js';
import { choose, fold, type Key, keyFrom } from '../random/index.js';

/** What counts as a neighbour, in both spaces. */
export interface LocalityOptions {
  /** Nearest neighbours looked at, by cosine similarity; default 8. */
  neighbours?: number;
  /** What counts as near in the image; default 2. */
  distance?: number;
  /**
   * `chebyshev` (default): max(|dy|, |dx|) ≤ distance, 24 positions at distance 2. `euclidean`: dy² + dx² ≤ distance²,
   * 12 positions.
   */
  metric?: 'euclidean' | 'chebyshev';
  /** Positions asked about; all of them up to this limit, else a sample. Default: 4096, and fewer in very large tables. */
  limit?: number;
  /** Draws the sample; default a fixed key, so that the score of a table never changes. */
  key?: Key;
}

/** The score, and what it is made of. */
export interface Locality {
  /** Mean over positions of the share of their nearest neighbours in embedding space that are near in the image. */
  readonly score: number;
  /** The score expected of random neighbours. */
  readonly chance: number;
  /** Distance in the image of every neighbour found, in the chosen metric, `[Q * neighbours]`. */
  readonly distances: Float32Array;
  /** Positions asked about. */
  readonly queries: number;
}

/** {@link locality}'s score alone. */
export function localityScore(
  table: Float32Array,
  shape: readonly [number, number],
  options: LocalityOptions = {},
): number {
  return locality(table, shape, options).score;
}

/** Multiplications that a score may cost; each takes about a nanosecond. */
const AFFORDABLE = 8e9;

/** Positions to ask about in a table of so many numbers. */
function affordable(numbers: number): number {
  return Math.min(4096, Math.max(64, Math.floor(AFFORDABLE / numbers)));
}

/**
 * Locality of a position table `[H*W, E]`. A position whose embedding is not finite is no one's neighbour and finds
 * none; missing neighbours count as far. Cost: positions asked about × H*W × E multiplications, of which the default limit
 * allows a few seconds.
 */
export function locality(
  table: Float32Array,
  shape: readonly [number, number],
  options: LocalityOptions = {},
): Locality {
  const { neighbours = 8, distance = 2, limit = affordable(table.length), key = keyFrom(0) } = options;
  const [height, width] = shape;
  const positions = height * width;
  ensure(
    positions > 1 && table.length % positions === 0 && table.length > 0,
    () =>
      `A position table of ${table.length} values does not split into ${height}x${width} rows: check the image size.`,
  );
  const wanted = Math.min(neighbours, positions - 1);
  const unit = unitRows(table, positions);
  const queries =
    positions <= limit
      ? Int32Array.from({ length: positions }, (_, i) => i)
      : choose(fold(key, 'locality'), positions, limit);
  const lengthOf = offsetLength(options);

  const distances = new Float32Array(queries.length * wanted);
  let [found, hits] = [0, 0];
  nearestRows(unit, positions, queries, wanted, (query, neighbour) => {
    const dy = Math.floor(query / width) - Math.floor(neighbour / width);
    const dx = (query % width) - (neighbour % width);
    const length = lengthOf(dy, dx);
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
 * position (fewer at the edges), over H*W − 1. At 28x28 and distance 2: 0.0144 Euclidean, 0.0280 Chebyshev.
 */
export function localityChance([height, width]: readonly [number, number], options: LocalityOptions = {}): number {
  const lengthOf = offsetLength(options);
  const { distance = 2 } = options;
  const reach = Math.floor(distance);
  let pairs = 0;
  // An offset (dy, dx) fits into the image at (H − |dy|)(W − |dx|) places.
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      if ((dy !== 0 || dx !== 0) && lengthOf(dy, dx) <= distance)
        pairs += Math.max(0, height - Math.abs(dy)) * Math.max(0, width - Math.abs(dx));
    }
  }
  return pairs / (height * width) / (height * width - 1);
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

function offsetLength({ metric = 'chebyshev' }: LocalityOptions): (dy: number, dx: number) => number {
  return metric === 'chebyshev' ? (dy, dx) => Math.max(Math.abs(dy), Math.abs(dx)) : Math.hypot;
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
