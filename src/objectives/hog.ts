/**
 * Histograms of oriented gradients as a target of masked pre-training (MaskFeat, arXiv 2112.09133, section 3; FastMIM,
 * arXiv 2212.06593): for each cell of the image, and each colour by itself, how much gradient points in which direction.
 *
 * A gradient and its opposite have the same orientation, and each pixel votes for exactly one bin of its own cell. The bin
 * is found without an arc tangent: with the gradient turned into the upper half plane, its angle reaches the border of a bin
 * where its cross product with that border is not negative.
 */
import { ensure } from '../errors/index.js';
import { concat, constant, show, type Tensor } from '../graph/index.js';

/** How gradients are counted. */
export interface HogOptions {
  /** Orientations over half a turn; default 9. */
  bins?: number;
  /** Width and height of a cell in pixels; default 8. */
  cell?: number;
  /** Whether the bins of each cell and colour are brought to Euclidean length 1; default yes. */
  normalize?: boolean;
  /** Width of a Gaussian window, repeated over the image, by which votes are weighted; default 0, none. */
  window?: number;
}

/** Below this length a histogram is all zeros and stays so. */
const SMALLEST_LENGTH = 1e-12;

/** Gradients of every pixel and what they vote for. */
export interface OrientedGradients {
  /** Left minus right and top minus bottom neighbours, weighted 1, 2, 1 across; `[B, C, H, W]`. */
  gx: Tensor;
  gy: Tensor;
  /** `[B, C, H, W]`, f32 */
  magnitude: Tensor;
  /** The bin of each pixel, 0 … bins-1, `[B, C, H, W]`, i32 */
  bin: Tensor;
}

/** Sobel gradients of images `[B, C, H, W]`, whose border is mirrored without repeating the outermost pixels. */
export function orientedGradients(images: Tensor, bins = 9): OrientedGradients {
  const { gx, gy, atLeast } = gradientsOf(images, bins);
  const bin = atLeast.map((reached) => reached.cast('i32')).reduce((sum, reached) => sum.add(reached));
  return { gx, gy, magnitude: lengthOf(gx, gy), bin };
}

/**
 * Histograms of images `[B, C, H, W]` → `[B, C·bins, H/cell, W/cell]`; channel c·bins + b. No gradient flows through.
 * @throws HiperceiverError where the image does not divide into cells
 */
export function hog(images: Tensor, { bins = 9, cell = 8, normalize = true, window = 0 }: HogOptions = {}): Tensor {
  ensure(
    images.rank === 4 && images.shape[2] % cell === 0 && images.shape[3] % cell === 0,
    () =>
      `HOG needs images [B, C, H, W] that divide into cells of ${cell} x ${cell} pixels, not ${show(images.shape)}.`,
  );
  const [batch, colours, height, width] = images.shape;
  const [rows, columns] = [height / cell, width / cell];
  const { gx, gy, atLeast } = gradientsOf(images.stopGradient(), bins);
  const reached = atLeast.map((condition) => condition.cast('f32'));
  const magnitude = window > 0 ? lengthOf(gx, gy).mul(windowed([height, width], window)) : lengthOf(gx, gy);
  // A pixel whose angle reaches border b, but not b + 1, lies in bin b; all reach border 0 and none the last.
  const votes = Array.from({ length: bins }, (_, b) => {
    const from = b === 0 ? undefined : reached[b - 1];
    const next = b === bins - 1 ? undefined : reached[b];
    if (!from) return next ? magnitude.sub(magnitude.mul(next)) : magnitude;
    return magnitude.mul(next ? from.sub(next) : from);
  });
  const cells = votes.map((vote) => vote.reshape([batch, colours, 1, rows, cell, columns, cell]).sum([4, 6]));
  const histogram = concat(cells, 2);
  if (!normalize) return histogram.reshape([batch, colours * bins, rows, columns]);
  const length = histogram.mul(histogram).sum(2, true).sqrt().maximum(SMALLEST_LENGTH);
  return histogram.div(length).reshape([batch, colours * bins, rows, columns]);
}

/**
 * Histograms by token: `[B, F, R, C]` → `[B, (R/u)·(C/u), F·u·u]` for tokens of u × u cells, ordered (feature, cell row, cell
 * column) as MaskFeat's heads predict them.
 * @param cells u, cells along one side of a token
 */
export function hogTokens(histograms: Tensor, cells: number): Tensor {
  const [batch, features, rows, columns] = histograms.shape;
  ensure(
    rows % cells === 0 && columns % cells === 0,
    () => `${rows} x ${columns} HOG cells do not divide into tokens of ${cells} x ${cells}.`,
  );
  return histograms
    .reshape([batch, features, rows / cells, cells, columns / cells, cells])
    .transpose([0, 2, 4, 1, 3, 5])
    .reshape([batch, (rows / cells) * (columns / cells), features * cells * cells]);
}

/** Gradients, and for each border between bins whether a pixel's angle reaches it, bool `[B, C, H, W]`. */
function gradientsOf(images: Tensor, bins: number): { gx: Tensor; gy: Tensor; atLeast: Tensor[] } {
  ensure(Number.isInteger(bins) && bins >= 2, () => `HOG needs at least 2 orientations, not ${bins}.`);
  const padded = mirror(mirror(images, 2), 3);
  // Sobel's filters: differences first, so that they are exactly zero where the mirrored border makes both neighbours equal.
  const [gx, gy] = [smoothed(differences(padded, 3), 2), smoothed(differences(padded, 2), 3)];
  // The angle is measured from the y axis towards x, as atan2(gx, gy): the half plane gx > 0, and the ray gy > 0 of its border.
  const isUpper = gx.equal(0).where(gy, gx).greater(0);
  const [up, along] = [isUpper.where(gx, gx.neg()), isUpper.where(gy, gy.neg())];
  const atLeast = Array.from({ length: bins - 1 }, (_, i) => {
    const angle = (Math.PI * (i + 1)) / bins;
    return up.mul(Math.cos(angle)).greaterEqual(along.mul(Math.sin(angle)));
  });
  return { gx, gy, atLeast };
}

function lengthOf(gx: Tensor, gy: Tensor): Tensor {
  return gx.mul(gx).add(gy.mul(gy)).sqrt();
}

/** Of each element but the outermost, its predecessor less its successor. */
function differences(x: Tensor, axis: number): Tensor {
  return shifted(x, axis, 0).sub(shifted(x, axis, 2));
}

/** Of each element but the outermost, twice itself and its two neighbours. */
function smoothed(x: Tensor, axis: number): Tensor {
  return shifted(x, axis, 0)
    .add(shifted(x, axis, 1).mul(2))
    .add(shifted(x, axis, 2));
}

/** All but two elements of an axis, from `start` on. */
function shifted(x: Tensor, axis: number, start: number): Tensor {
  return x.slice(x.shape.map((size, i) => (i === axis ? [start, start + size - 2] : undefined)));
}

/** A Gaussian of sum 1 and half its width as deviation, side by side over an image: `[H, W]`. */
function windowed([height, width]: readonly [number, number], size: number): Tensor {
  ensure(
    height % size === 0 && width % size === 0,
    () => `HOG: an image of ${height} x ${width} pixels does not divide into windows of ${size} x ${size}.`,
  );
  const deviation = Math.floor(size / 2);
  const line = Float64Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((i - (size - 1) / 2) / deviation) ** 2));
  const total = line.reduce((a, b) => a + b) ** 2;
  const values = Float32Array.from(
    { length: height * width },
    (_, at) => (line[Math.floor(at / width) % size] * line[at % size]) / total,
  );
  return constant(values, [height, width]);
}

/** One element more at each end of an axis: those next to the outermost ones. */
function mirror(x: Tensor, axis: number): Tensor {
  const size = x.shape[axis];
  ensure(size >= 2, () => `HOG needs images of at least 2 x 2 pixels, not ${show(x.shape)}.`);
  const at = (index: number) => x.slice(x.shape.map((_, i) => (i === axis ? [index, index + 1] : undefined)));
  return concat([at(1), x, at(size - 2)], axis);
}
