import { ensure } from '../errors/index.js';
import { ember, mapColor, NOT_A_NUMBER } from './color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import { imageFromNormalized, type Normalization, ofChannel, type RgbImage } from './picture.js';
import { Figure } from './svg.js';

/** Images, masks and predictions. */
export interface ReconstructionOptions extends Normalization {
  /** Normalised images `[B, H*W, C]`. */
  input: ArrayLike<number>;
  /** `[B, H*W]`, or `[1, H*W]` for one mask shared by all: 1 = masked (the model did not see it), 0 = visible. */
  mask: ArrayLike<number>;
  /** What the model predicted, in the same space as `input`, `[B, H*W, C]`. */
  reconstruction: ArrayLike<number>;
  /** `[H, W, C]`. */
  shape: readonly [number, number, number];
  /** A name for each image, at the left of its row. */
  captions?: readonly string[];
  title?: string;
  subtitle?: string;
  /** Add a column with the prediction everywhere, visible pixels not pasted in. */
  rawPrediction?: boolean;
  /** At most so many rows (8). */
  maxSamples?: number;
  /** Width of a picture in the figure. Default: a whole multiple of its own, 120 to 200 or so. */
  cellSize?: number;
}

/** What the mask hides, in the `visible` column. */
const MASKED_GREY = 128;
/** The difference that gets the brightest colour, in pixel values of 0 … 1; fixed, so that pictures can be compared. */
const FULL_DIFFERENCE = 0.5;

/**
 * Rows of `input | visible | reconstruction | difference` (and, by choice, the raw prediction). The reconstruction shows
 * predictions at masked positions alone and the true pixels elsewhere; the difference is the mean over the channels of
 * its distance to the input, so it is black wherever the model was shown the answer.
 */
export function reconstructionFigure(options: ReconstructionOptions): Figure {
  const {
    input,
    mask,
    reconstruction,
    shape,
    captions = [],
    title = 'Reconstruction of masked images',
    subtitle = '',
    rawPrediction = false,
    maxSamples = 8,
  } = options;
  const [height, width, channels] = shape;
  const pixels = height * width;
  const batch = input.length / (pixels * channels);
  ensure(
    Number.isInteger(batch) && batch > 0,
    () =>
      `Images of ${height}x${width}x${channels} have ${pixels * channels} values each, but ${input.length} were given: check the shape.`,
  );
  ensure(
    reconstruction.length === input.length,
    () =>
      `The reconstruction has ${reconstruction.length} values and the input ${input.length}: pass both as [B, H*W, C].`,
  );
  ensure(
    mask.length === pixels || mask.length === batch * pixels,
    () =>
      `The mask has ${mask.length} values, not ${pixels} (one mask for all) or ${batch * pixels} (one for each image).`,
  );

  const samples = Math.min(batch, maxSamples);
  const names = ['Input', 'Visible', 'Reconstruction', 'Difference', ...(rawPrediction ? ['Raw prediction'] : [])];
  const room = Math.max(120, Math.round(176 * Math.sqrt(Math.min(1, 4 / samples))));
  // Whole multiples keep all pixels equally large.
  const cell = options.cellSize ?? (width <= room ? width * Math.round(room / width) : room);
  const cellHeight = Math.round((cell * height) / width);
  const gap = 10;
  const left = MARGIN + (captions.some(Boolean) ? 100 : 0);
  const figureWidth = left + names.length * (cell + gap) - gap + MARGIN;
  const top = titlesHeight(figureWidth, title, subtitle) + 40;
  const figure = new Figure(figureWidth, top + samples * (cellHeight + gap) - gap + 44, title);
  drawTitles(figure, title, subtitle);
  names.forEach((name, column) =>
    figure.text(name, left + column * (cell + gap), top - 9, { size: 12, weight: 'bold', maxWidth: cell }),
  );

  for (let b = 0; b < samples; b++) {
    const truth = slice(input, b, pixels * channels);
    const predicted = slice(reconstruction, b, pixels * channels);
    const hidden = slice(mask, mask.length === pixels ? 0 : b, pixels);
    const pasted = truth.map((value, i) => (hidden[Math.floor(i / channels)] > 0 ? predicted[i] : value));
    const images = [
      imageFromNormalized(truth, shape, options),
      withoutMasked(imageFromNormalized(truth, shape, options), hidden),
      imageFromNormalized(pasted, shape, options),
      differenceImage(truth, pasted, shape, options),
      ...(rawPrediction ? [imageFromNormalized(predicted, shape, options)] : []),
    ];
    const y = top + b * (cellHeight + gap);
    if (captions[b])
      figure.text(captions[b], left - 12, y + cellHeight / 2, {
        size: 12,
        anchor: 'end',
        baseline: 'middle',
        color: 'muted',
        maxWidth: 96,
      });
    images.forEach((image, column) => figure.image(image, left + column * (cell + gap), y, cell, cellHeight));
  }
  const bottom = top + samples * (cellHeight + gap) - gap;
  drawColorBar(figure, ember, 0, FULL_DIFFERENCE, left + 3 * (cell + gap), bottom + 16, cell, '');
  const share = mean(mask);
  figure.text(`${(100 * share).toFixed(0)} % of the positions masked`, left + cell + gap, bottom + 24, {
    size: 11,
    color: 'muted',
    maxWidth: 2 * cell,
  });
  return figure;
}

function withoutMasked(image: RgbImage, hidden: ArrayLike<number>): RgbImage {
  for (let p = 0; p < hidden.length; p++) if (hidden[p] > 0) image.rgb.fill(MASKED_GREY, 3 * p, 3 * p + 3);
  return image;
}

function differenceImage(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
  { std = 1 }: Normalization,
): RgbImage {
  const rgb = new Uint8Array(height * width * 3);
  for (let p = 0; p < height * width; p++) {
    let total = 0;
    for (let c = 0; c < channels; c++) total += Math.abs(a[p * channels + c] - b[p * channels + c]) * ofChannel(std, c);
    const difference = total / channels;
    rgb.set(Number.isNaN(difference) ? NOT_A_NUMBER : mapColor(ember, difference, 0, FULL_DIFFERENCE), 3 * p);
  }
  return { width, height, rgb };
}

function slice(values: ArrayLike<number>, index: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => values[index * length + i]);
}

function mean(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] > 0 ? 1 : 0;
  return total / values.length;
}
