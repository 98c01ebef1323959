/** Block-wise masks of BEiT (Bao et al. 2021, arXiv 2106.08254, algorithm 1): rectangles until enough patches are hidden. */
import { ensure } from '../errors/index.js';
import { fold, type Key, uniform } from '../random/index.js';

/** How rectangles are laid over a grid of patches. */
export interface BlockwiseMaskOptions {
  /** Rows and columns of the grid. */
  grid: readonly [number, number];
  /** Patches to hide. Fewer are hidden where the last rectangles find no place. */
  numMasked: number;
  /** Patches of the smallest rectangle (before rounding its sides). Default 16. */
  minBlock?: number;
  /** Patches of the largest; by default all that are still to be hidden. */
  maxBlock?: number;
  /** Height over width lies between these, evenly on a logarithmic scale. Default 0.3 and 1 / minAspect. */
  minAspect?: number;
  maxAspect?: number;
}

/** A rectangle that adds nothing is drawn again so many times; then the mask is left as it is. */
const ATTEMPTS = 10;
/** Random numbers made at a time: most masks of 14 x 14 patches need fewer. */
const NUMBERS_AT_ONCE = 64;

/**
 * One mask `[rows * columns]`, 1 = hidden.
 * @param next the next uniform number in [0, 1): for each attempt area, aspect and, if the rectangle fits, top and left
 * @throws HiperceiverError where the options make no sense
 */
export function blockwiseMask(options: BlockwiseMaskOptions, next: () => number): Uint8Array {
  const { grid, numMasked, minBlock, maxBlock, logAspect } = checked(options);
  const mask = new Uint8Array(grid[0] * grid[1]);
  let masked = 0;
  while (masked < numMasked) {
    const most = Math.min(numMasked - masked, maxBlock);
    const added = addBlock(mask, grid, [minBlock, most], logAspect, next);
    if (added === 0) break;
    masked += added;
  }
  return mask;
}

/** {@link blockwiseMask} as a pure function of a key. */
export function drawBlockwiseMask(options: BlockwiseMaskOptions, key: Key): Uint8Array {
  let numbers: Float32Array = new Float32Array(0);
  let used = 0;
  let round = 0;
  return blockwiseMask(options, () => {
    if (used === numbers.length) {
      numbers = uniform(fold(key, 'block', round++), NUMBERS_AT_ONCE);
      used = 0;
    }
    return numbers[used++];
  });
}

/** Hides one more rectangle; says how many patches it added, 0 where no attempt found a place. */
function addBlock(
  mask: Uint8Array,
  [rows, columns]: readonly [number, number],
  [least, most]: readonly [number, number],
  logAspect: readonly [number, number],
  next: () => number,
): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Near the end `most` may be below `least`: the interval then runs backwards, as in the reference.
    const area = between(least, most, next());
    const aspect = Math.exp(between(...logAspect, next()));
    const height = roundHalfEven(Math.sqrt(area * aspect));
    const width = roundHalfEven(Math.sqrt(area / aspect));
    if (width >= columns || height >= rows) continue;
    const top = Math.floor(next() * (rows - height + 1));
    const left = Math.floor(next() * (columns - width + 1));
    const open: number[] = [];
    for (let row = top; row < top + height; row++) {
      for (let at = row * columns + left; at < row * columns + left + width; at++) if (mask[at] === 0) open.push(at);
    }
    if (open.length === 0 || open.length > most) continue;
    for (const at of open) mask[at] = 1;
    return open.length;
  }
  return 0;
}

function between(low: number, high: number, u: number): number {
  return low + (high - low) * u;
}

/** Python's `round`: halves go to the even neighbour. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

function checked(options: BlockwiseMaskOptions) {
  const { grid, numMasked, minBlock = 16, maxBlock = numMasked, minAspect = 0.3 } = options;
  const { maxAspect = 1 / minAspect } = options;
  ensure(
    grid.length === 2 && grid.every((size) => Number.isInteger(size) && size > 0),
    () => `Block-wise masks need a grid of rows and columns, not [${grid.join(', ')}].`,
  );
  ensure(
    Number.isInteger(numMasked) && numMasked >= 0 && numMasked <= grid[0] * grid[1],
    () =>
      `Block-wise masks: ${numMasked} of ${grid[0] * grid[1]} patches cannot be hidden; take a whole number from 0 to as many.`,
  );
  ensure(
    minBlock >= 1 && maxBlock >= 0,
    () => `Block-wise masks: rectangles of ${minBlock} to ${maxBlock} patches make no sense; begin at 1 or more.`,
  );
  ensure(
    minAspect > 0 && maxAspect >= minAspect && Number.isFinite(maxAspect),
    () =>
      `Block-wise masks: aspect ratios from ${minAspect} to ${maxAspect} make no sense; take for example 0.3 to 3.3.`,
  );
  return { grid, numMasked, minBlock, maxBlock, logAspect: [Math.log(minAspect), Math.log(maxAspect)] as const };
}
