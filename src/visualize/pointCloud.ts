/** Pictures of point clouds: single ones for galleries, and what a model saw, made and should have made. */
import { ensure } from '../errors/index.js';
import type { Rgb } from './color.js';
import { sequential } from './color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import type { RgbImage } from './picture.js';
import { colorRange, type PointCloud, type PointColor, type PointLayer, renderPoints, sceneOf } from './pointRender.js';
import { Figure } from './svg.js';

/** How points are shown. */
export interface PointStyle {
  /** Default: the height, channel 2. */
  color?: PointColor;
  /** Degrees from the x axis around z; default 35. */
  azimuth?: number;
  /** Degrees above the horizon; default 22. */
  elevation?: number;
}

/** Picture of one cloud, `size` pixels each way. */
export function pointCloudImage(cloud: PointCloud, { color = 2, ...view }: PointStyle = {}, size = 352): RgbImage {
  return renderPoints([{ ...cloud, color }], sceneOf(cloud, view), { size });
}

/** Clouds, masks and predictions. */
export interface PointReconstructionOptions extends PointStyle {
  /** `[B, N, C]`: x, y, z first. */
  input: ArrayLike<number>;
  /** `[B, N]`, or `[1, N]` for one mask shared by all: 1 = masked (the model did not see it), 0 = visible. */
  mask: ArrayLike<number>;
  /** What the model predicted, `[B, N, C]`. */
  reconstruction: ArrayLike<number>;
  /** Points of each cloud (N) and their channels (C). */
  shape: readonly [points: number, channels: number];
  /** Points of each cloud that are real; the rest is padding and not shown. */
  lengths?: ArrayLike<number>;
  /** What the coloured channel is called, below the colour bar; default "height". */
  colorName?: string;
  /** A name for each cloud, at the left of its row. */
  captions?: readonly string[];
  title?: string;
  subtitle?: string;
  /** At most so many rows (6). */
  maxSamples?: number;
}

const COLUMNS = ['Visible', 'Reconstruction', 'Original'] as const;
/** Points that the model was shown, beside its predictions. */
const SEEN: Rgb = [184, 191, 200];
const CELL = 210;
const GAP = 10;

/**
 * Rows of `visible | reconstruction | original`, each row in one scene and one range of colours. The reconstruction shows
 * the predicted points in colour and those that the model saw in grey.
 */
export function pointReconstructionFigure(options: PointReconstructionOptions): Figure {
  const { input, mask, reconstruction, shape, captions = [], color = 2, colorName = 'height' } = options;
  const { title = 'Reconstruction of masked points', subtitle = '', maxSamples = 6 } = options;
  const [count, channels] = shape;
  const batch = input.length / (count * channels);
  ensure(
    Number.isInteger(batch) && batch > 0,
    () =>
      `Clouds of ${count} points with ${channels} channels have ${count * channels} values each, but ${input.length} were given: check the shape.`,
  );
  ensure(
    reconstruction.length === input.length,
    () =>
      `The reconstruction has ${reconstruction.length} values and the input ${input.length}: pass both as [B, N, C].`,
  );
  ensure(
    mask.length === count || mask.length === batch * count,
    () =>
      `The mask has ${mask.length} values, not ${count} (one mask for all) or ${batch * count} (one for each cloud).`,
  );
  const samples = Math.min(batch, maxSamples);
  const left = MARGIN + (captions.some(Boolean) ? 100 : 0);
  const width = left + COLUMNS.length * (CELL + GAP) - GAP + MARGIN;
  const top = titlesHeight(width, title, subtitle) + 40;
  const bottom = top + samples * (CELL + GAP) - GAP;
  const bar = typeof color === 'number' && samples === 1;
  const figure = new Figure(width, bottom + (bar ? 44 : MARGIN), title);
  drawTitles(figure, title, subtitle);
  COLUMNS.forEach((name, column) => {
    figure.text(name, left + column * (CELL + GAP), top - 9, { size: 12, weight: 'bold', maxWidth: CELL });
  });
  for (let b = 0; b < samples; b++) {
    const real = options.lengths?.[b] ?? count;
    const hidden = (i: number) => mask[(mask.length === count ? 0 : b * count) + i] > 0;
    const pick = (values: ArrayLike<number>, wanted: (i: number) => boolean): PointCloud => {
      const rows = Array.from({ length: real }, (_, i) => i).filter(wanted);
      const points = rows.flatMap((i) =>
        Array.from({ length: channels }, (_, c) => values[(b * count + i) * channels + c]),
      );
      return { points, channels };
    };
    const original = pick(input, () => true);
    const range = typeof color === 'number' ? colorRange(original, color) : undefined;
    const seen = pick(input, (i) => !hidden(i));
    const layers: PointLayer[][] = [
      [{ ...seen, color, range }],
      [
        { ...seen, color: { rgb: SEEN } },
        { ...pick(reconstruction, hidden), color, range },
      ],
      [{ ...original, color, range }],
    ];
    const scene = sceneOf(original, options);
    const y = top + b * (CELL + GAP);
    if (captions[b])
      figure.text(captions[b], left - 12, y + CELL / 2, {
        size: 12,
        anchor: 'end',
        baseline: 'middle',
        color: 'muted',
        maxWidth: 96,
      });
    layers.forEach((layer, column) => {
      figure.image(
        renderPoints(layer, scene, { size: 2 * CELL, count: real }),
        left + column * (CELL + GAP),
        y,
        CELL,
        CELL,
      );
    });
    if (bar && range) drawColorBar(figure, sequential, ...range, left + 2 * (CELL + GAP), bottom + 16, CELL, colorName);
  }
  return figure;
}
