import { ensure } from '../errors/index.js';
import { drawTitles, MARGIN, titlesHeight } from './layout.js';
import { imageFromNormalized, type Normalization, type RgbImage } from './picture.js';
import { Figure } from './svg.js';

/** One clip, and what a model made of it. */
export interface ClipFigureOptions extends Normalization {
  /** Normalised frames `[T*H*W, C]`. */
  input: ArrayLike<number>;
  /** `[T, H, W, C]`. */
  shape: readonly [frames: number, height: number, width: number, channels: number];
  /** `[T*H*W]`: 1 = masked (the model did not see it), 0 = visible. */
  mask?: ArrayLike<number>;
  /** What the model predicted, in the same space as `input`, `[T*H*W, C]`. Needs `mask`. */
  reconstruction?: ArrayLike<number>;
  /** Frames per second, for the labels; without it frames are numbered. */
  frameRate?: number;
  title?: string;
  subtitle?: string;
  /** At most so many frames, spread over the clip (16). */
  maxFrames?: number;
}

/** What the mask hides, in the `Visible` row. */
const MASKED_GREY = 128;
const GAP = 4;
const LABELS = 104;

/**
 * Strips of frames from left to right, the time above them: what the model saw (hidden parts grey), its reconstruction
 * (predictions at hidden positions, true pixels elsewhere) and the original. Without mask the original alone.
 */
export function clipFigure(options: ClipFigureOptions): Figure {
  const { input, mask, reconstruction, shape, frameRate, title = 'Clip', subtitle = '', maxFrames = 16 } = options;
  const [frames, height, width, channels] = shape;
  checkSizes(options);
  const shown = spread(frames, Math.max(1, maxFrames));
  const pixels = height * width;
  const rows: { name: string; picture: (t: number) => RgbImage }[] = [];
  const draw = (t: number, value: (p: number, c: number) => number) => {
    const values = Float32Array.from({ length: pixels * channels }, (_, i) =>
      value(t * pixels + Math.floor(i / channels), i % channels),
    );
    return imageFromNormalized(values, [height, width, channels], options);
  };
  const truth = (p: number, c: number) => input[p * channels + c];
  if (mask) rows.push({ name: 'Visible', picture: (t) => withoutMasked(draw(t, truth), mask, t * pixels) });
  if (mask && reconstruction) {
    const pasted = (p: number, c: number) => (mask[p] > 0 ? reconstruction[p * channels + c] : truth(p, c));
    rows.push({ name: 'Reconstruction', picture: (t) => draw(t, pasted) });
  }
  rows.push({ name: mask ? 'Original' : '', picture: (t) => draw(t, truth) });

  const cell = cellSize(width, shown.length);
  const cellHeight = Math.round((cell * height) / width);
  const left = MARGIN + (mask ? LABELS : 0);
  const figureWidth = Math.max(420, left + shown.length * (cell + GAP) - GAP + MARGIN);
  const top = titlesHeight(figureWidth, title, subtitle) + 34;
  const bottom = top + rows.length * (cellHeight + GAP) - GAP;
  const figure = new Figure(figureWidth, bottom + (mask ? 34 : MARGIN), title);
  drawTitles(figure, title, subtitle);
  shown.forEach((t, column) => {
    const label = frameRate ? `${(t / frameRate).toFixed(2)} s` : `frame ${t + 1}`;
    figure.text(label, left + column * (cell + GAP), top - 8, { size: 11, color: 'muted', maxWidth: cell });
  });
  rows.forEach(({ name, picture }, row) => {
    const y = top + row * (cellHeight + GAP);
    figure.text(name, left - 10, y + cellHeight / 2, {
      size: 12,
      weight: 'bold',
      anchor: 'end',
      baseline: 'middle',
      maxWidth: LABELS - 10,
    });
    shown.forEach((t, column) => figure.image(picture(t), left + column * (cell + GAP), y, cell, cellHeight));
  });
  if (mask) {
    const share = (100 * count(mask)) / mask.length;
    figure.text(`${share.toFixed(0)} % of the positions masked`, left, bottom + 20, { size: 11, color: 'muted' });
  }
  return figure;
}

function checkSizes({ input, mask, reconstruction, shape }: ClipFigureOptions): void {
  const [frames, height, width, channels] = shape;
  const positions = frames * height * width;
  const name = `A clip of ${frames} frames of ${height}x${width}x${channels}`;
  ensure(
    positions > 0 && input.length === positions * channels,
    () => `${name} has ${positions * channels} values, not ${input.length}: check the shape.`,
  );
  ensure(
    !mask || mask.length === positions,
    () => `${name} has ${positions} positions, but the mask ${mask?.length}: pass it as [T*H*W].`,
  );
  ensure(
    !reconstruction || (mask && reconstruction.length === input.length),
    () => `${name} needs a mask and ${input.length} predicted values, not ${reconstruction?.length}: pass [T*H*W, C].`,
  );
}

/** Up to `most` of the frames 0 … frames-1, the first and the last among them. */
function spread(frames: number, most: number): number[] {
  if (frames <= most) return Array.from({ length: frames }, (_, t) => t);
  if (most === 1) return [0];
  return Array.from({ length: most }, (_, i) => Math.round((i * (frames - 1)) / (most - 1)));
}

/** Narrower for more frames; whole multiples of small frames keep all pixels equally large. */
function cellSize(width: number, frames: number): number {
  const room = Math.min(176, Math.max(64, Math.floor(1280 / frames)));
  return width <= room ? width * Math.floor(room / width) : room;
}

function withoutMasked(image: RgbImage, mask: ArrayLike<number>, from: number): RgbImage {
  for (let p = 0; p < image.width * image.height; p++) {
    if (mask[from + p] > 0) image.rgb.fill(MASKED_GREY, 3 * p, 3 * p + 3);
  }
  return image;
}

function count(mask: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < mask.length; i++) total += mask[i] > 0 ? 1 : 0;
  return total;
}
