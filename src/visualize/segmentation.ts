/** Dense labels as pictures: overlays on the image beside the truth, a legend, and the score of each class. */
import { ensure } from '../errors/index.js';
import { barChart } from './barChart.js';
import { categorical, hex, oklab, type Rgb } from './color.js';
import { drawTitles, MARGIN, titlesHeight } from './layout.js';
import { imageFromNormalized, type Normalization, type RgbImage } from './picture.js';
import { Figure } from './svg.js';
import { textWidth } from './text.js';

/** Pixels without a class. */
const VOID: Rgb = [58, 62, 68];
/** How much of an overlay is the class's colour. */
const OPACITY = 0.55;
const VOID_OPACITY = 0.3;

/**
 * A colour for each of `count` classes: five of those that series have, then always the one that differs most from all
 * before, as the eye measures it (distance in OKLab). More classes do not change the colours of the first.
 */
export function classColors(count: number): Rgb[] {
  const chosen = categorical.slice(0, Math.min(5, count)).map(parseHex);
  const candidates = candidateColors();
  const spots = candidates.map(oklab);
  const nearest = new Float64Array(spots.length).fill(Infinity);
  for (let label = 0; chosen.length < count; label++) {
    const [l, a, b] = oklab(chosen[label]);
    spots.forEach(([sl, sa, sb], i) => {
      nearest[i] = Math.min(nearest[i], Math.hypot(sl - l, sa - a, sb - b));
    });
    if (label === chosen.length - 1) chosen.push(candidates[nearest.indexOf(Math.max(...nearest))]);
  }
  return chosen;
}

/** Colours on a grid, without those that black, white or grey pictures would hide, and glaring ones. */
function candidateColors(): Rgb[] {
  const levels = [0, 32, 64, 96, 128, 160, 192, 224, 255];
  return levels
    .flatMap((r) => levels.flatMap((g) => levels.map((b): Rgb => [r, g, b])))
    .filter((rgb) => {
      const [lightness, a, b] = oklab(rgb);
      const chroma = Math.hypot(a, b);
      return lightness > 0.35 && lightness < 0.9 && chroma > 0.06 && chroma < 0.21;
    });
}

function parseHex(color: string): Rgb {
  const part = (at: number) => Number.parseInt(color.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}

/** The colours of labels `[H * W]`; what is no class (-1) is dark grey. */
export function labelImage(
  labels: ArrayLike<number>,
  [height, width]: readonly [number, number],
  colors: readonly Rgb[],
): RgbImage {
  ensure(
    labels.length === height * width,
    () => `A label map of ${height}x${width} has ${height * width} labels, not ${labels.length}: check the shape.`,
  );
  const rgb = new Uint8Array(height * width * 3);
  for (let p = 0; p < labels.length; p++) rgb.set(colors[labels[p]] ?? VOID, 3 * p);
  return { width, height, rgb };
}

/** The image with its labels' colours laid over it, and the borders between classes in full colour. */
export function overlayLabels(image: RgbImage, labels: ArrayLike<number>, colors: readonly Rgb[]): RgbImage {
  const { width, height } = image;
  const shown = labelImage(labels, [height, width], colors).rgb;
  const rgb = Uint8Array.from(image.rgb);
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p++) {
      const border =
        (x + 1 < width && labels[p] !== labels[p + 1]) || (y + 1 < height && labels[p] !== labels[p + width]);
      const opacity = border ? 1 : labels[p] < 0 ? VOID_OPACITY : OPACITY;
      for (let at = 3 * p; at < 3 * p + 3; at++) rgb[at] = Math.round(opacity * shown[at] + (1 - opacity) * rgb[at]);
    }
  return { width, height, rgb };
}

/** Images, their true labels and a model's. */
export interface SegmentationFigureOptions extends Normalization {
  /** Normalised images `[B, H*W, C]`; or finished pictures, one per example (rasters of many bands). */
  images: ArrayLike<number> | readonly RgbImage[];
  /** `[H, W, C]`. */
  shape: readonly [number, number, number];
  /** True labels `[B, H*W]`, -1 = void. */
  truth?: ArrayLike<number>;
  /** Predicted labels `[B, H*W]`. */
  prediction?: ArrayLike<number>;
  classNames: readonly string[];
  /** Default: {@link classColors}. */
  colors?: readonly Rgb[];
  /** A name for each image, at the left of its row. */
  captions?: readonly string[];
  title?: string;
  subtitle?: string;
  /** At most so many rows (6). */
  maxSamples?: number;
  /** Width of a picture in the figure. Default: twice its own, at least 120 and about 200 at most. */
  cellSize?: number;
}

/** Rows of `image | truth | prediction | errors` (those that are given), with a legend of the classes that occur. */
export function segmentationFigure(options: SegmentationFigureOptions): Figure {
  const { shape, truth, prediction, classNames, captions = [] } = options;
  const { title = 'Segmentation', subtitle = '', maxSamples = 6, colors = classColors(classNames.length) } = options;
  const [height, width] = shape;
  const pictures = picturesOf(options);
  for (const [name, labels] of Object.entries({ truth, prediction }))
    ensure(
      labels === undefined || labels.length === pictures.length * height * width,
      () =>
        `The ${name} has ${labels?.length} labels for ${pictures.length} images of ${height}x${width}: pass [B, H*W].`,
    );
  const rows = pictures.slice(0, maxSamples).map((image, b) => {
    const part = (labels: ArrayLike<number>) =>
      Int32Array.from({ length: height * width }, (_, p) => labels[b * height * width + p]);
    const columns: [string, RgbImage][] = [['Image', image]];
    if (truth) columns.push(['Truth', overlayLabels(image, part(truth), colors)]);
    if (prediction) columns.push(['Prediction', overlayLabels(image, part(prediction), colors)]);
    if (truth && prediction) columns.push(['Errors', errorImage(image, part(truth), part(prediction))]);
    return columns;
  });

  const usual = Math.max(120, Math.min(width * 2, Math.round(200 * Math.sqrt(Math.min(1.6, width / height)))));
  const cell = options.cellSize ?? usual;
  const cellHeight = Math.round((cell * height) / width);
  const gap = 10;
  const left = MARGIN + (captions.some(Boolean) ? 100 : 0);
  const figureWidth = Math.max(360, left + rows[0].length * (cell + gap) - gap + MARGIN);
  const legend = legendLines(classNames, occurring(truth, prediction), figureWidth - 2 * MARGIN);
  const top = titlesHeight(figureWidth, title, subtitle) + 40;
  const bottom = top + rows.length * (cellHeight + gap) - gap;
  const figure = new Figure(figureWidth, bottom + 16 + legend.length * 20 + 10, title);
  drawTitles(figure, title, subtitle);
  rows[0].forEach(([name], column) => {
    figure.text(name, left + column * (cell + gap), top - 9, { size: 12, weight: 'bold', maxWidth: cell });
  });
  rows.forEach((columns, b) => {
    const y = top + b * (cellHeight + gap);
    if (captions[b])
      figure.text(captions[b], left - 12, y + cellHeight / 2, {
        size: 12,
        anchor: 'end',
        baseline: 'middle',
        color: 'muted',
        maxWidth: 96,
      });
    columns.forEach(([, image], column) => {
      figure.image(image, left + column * (cell + gap), y, cell, cellHeight);
    });
  });
  legend.forEach((line, row) => {
    for (const { label, x } of line) {
      const y = bottom + 26 + row * 20;
      figure.rect(MARGIN + x, y - 6, 12, 12, { fill: hex(colors[label] ?? VOID), radius: 2 });
      figure.text(label < 0 ? 'void' : classNames[label], MARGIN + x + 18, y, { size: 12, baseline: 'middle' });
    }
  });
  return figure;
}

/** Intersection over union of each class as bars, with the mean over classes as a line. NaN stands for a class that never occurs: it is named, and left out of the mean. */
export function iouChart(
  iou: ArrayLike<number>,
  classNames: readonly string[],
  { title = 'Intersection over union by class', subtitle = '', colors = classColors(classNames.length) } = {},
): Figure {
  ensure(
    iou.length === classNames.length,
    () => `${iou.length} scores do not go with ${classNames.length} class names.`,
  );
  const bars = classNames
    .map((name, label) => ({ name, value: iou[label], color: hex(colors[label]) }))
    .filter(({ value }) => Number.isFinite(value));
  const absent = classNames.filter((_, label) => !Number.isFinite(iou[label]));
  const mean = bars.reduce((sum, { value }) => sum + value, 0) / bars.length;
  return barChart({
    title,
    subtitle: [subtitle, absent.length > 0 ? `Without any pixel: ${absent.join(', ')}.` : ''].filter(Boolean).join(' '),
    bars,
    references: bars.length > 0 ? [{ label: 'mean', value: mean }] : [],
    max: 1,
    format: (value) => `${(100 * value).toFixed(1)} %`,
  });
}

function picturesOf({ images, shape, mean, std }: SegmentationFigureOptions): RgbImage[] {
  const [height, width, channels] = shape;
  const size = height * width * channels;
  if (typeof images[0] === 'object') return [...(images as readonly RgbImage[])];
  const values = images as ArrayLike<number>;
  ensure(
    values.length > 0 && values.length % size === 0,
    () =>
      `Images of ${height}x${width}x${channels} have ${size} values each, but ${values.length} were given: check the shape.`,
  );
  return Array.from({ length: values.length / size }, (_, b) =>
    imageFromNormalized(
      Float32Array.from({ length: size }, (_, i) => values[b * size + i]),
      shape,
      { mean, std },
    ),
  );
}

/** Wrong pixels red on the pale image; pixels without a true class stay as they are. */
function errorImage(image: RgbImage, truth: Int32Array, prediction: Int32Array): RgbImage {
  const rgb = Uint8Array.from(image.rgb, (x) => Math.round(255 - 0.35 * (255 - x)));
  for (let p = 0; p < truth.length; p++) if (truth[p] >= 0 && truth[p] !== prediction[p]) rgb.set([200, 46, 32], 3 * p);
  return { ...image, rgb };
}

function occurring(...maps: (ArrayLike<number> | undefined)[]): number[] {
  const seen = new Set<number>();
  for (const labels of maps) for (let p = 0; p < (labels?.length ?? 0); p++) seen.add(Math.max(-1, labels![p]));
  // Void comes last.
  return [...seen].sort((a, b) => (a < 0 ? 1 : b < 0 ? -1 : a - b));
}

/** Where each entry of the legend stands, line by line. */
function legendLines(
  names: readonly string[],
  labels: readonly number[],
  width: number,
): { label: number; x: number }[][] {
  const lines: { label: number; x: number }[][] = [];
  let x = Infinity;
  for (const label of labels) {
    const wide = 18 + textWidth(label < 0 ? 'void' : (names[label] ?? ''), 12) + 18;
    if (x + wide > width) {
      lines.push([]);
      x = 0;
    }
    lines[lines.length - 1].push({ label, x });
    x += wide;
  }
  return lines;
}
