import { ensure } from '../errors/index.js';
import { ember, mapColor, NOT_A_NUMBER } from './color.js';
import { drawFitted } from './gallery.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from './layout.js';
import { percentile, type RgbImage } from './picture.js';
import { Figure } from './svg.js';

/** Maps, and how they are laid out. */
export interface AttentionOptions {
  /** One map per head, latent or query, `[M, H*W]`; each is scaled by its own largest value. */
  attention: ArrayLike<number>;
  /** `[H, W]` of the maps. */
  shape: readonly [number, number];
  /** What was looked at, in any resolution; shown first and below each map. Without it the maps stand alone. */
  image?: RgbImage;
  /** One per map; default `map 1`, `map 2`, … */
  captions?: readonly string[];
  title?: string;
  subtitle?: string;
  columns?: number;
  cellSize?: number;
}

/** Attention maps as heat over the image, in a grid: dark where nothing is looked at, bright and warm where much is. */
export function attentionFigure({
  attention,
  shape,
  image,
  captions = [],
  title = 'Attention',
  subtitle = '',
  columns,
  cellSize = 128,
}: AttentionOptions): Figure {
  const pixels = shape[0] * shape[1];
  const count = attention.length / pixels;
  ensure(
    Number.isInteger(count) && count > 0,
    () =>
      `Attention maps of ${shape[0]}x${shape[1]} have ${pixels} values each, but ${attention.length} were given: check the map size.`,
  );
  const images = Array.from({ length: count }, (_, m) => {
    const map = Float32Array.from({ length: pixels }, (_, p) => attention[m * pixels + p]);
    return heatOver(map, shape, image);
  });
  const names = images.map((_, m) => captions[m] ?? `map ${m + 1}`);
  if (image) {
    images.unshift(image);
    names.unshift('input');
  }
  const perRow = columns ?? Math.min(images.length, 6);
  const gap = 12;
  const cellHeight = Math.round((cellSize * images[0].height) / images[0].width);
  const rowHeight = cellHeight + 32;
  const width = Math.max(320, 2 * MARGIN + perRow * (cellSize + gap) - gap);
  const top = titlesHeight(width, title, subtitle) + 20;
  const figure = new Figure(width, top + Math.ceil(images.length / perRow) * rowHeight + 28, title);
  drawTitles(figure, title, subtitle);
  images.forEach((picture, i) => {
    const x = MARGIN + (i % perRow) * (cellSize + gap);
    const y = top + Math.floor(i / perRow) * rowHeight;
    drawFitted(figure, picture, x, y, cellSize, cellHeight);
    figure.text(names[i], x, y + cellHeight + 16, { size: 12, color: 'muted', maxWidth: cellSize });
  });
  drawColorBar(figure, ember, 0, 1, MARGIN, figure.height - 26, 280, 'share of the map’s largest value');
  return figure;
}

/**
 * The map over the image, in the finer of the two resolutions. The image turns grey and dark and the heat is added in
 * proportion to the attention: what is attended to keeps its shape, what is not recedes.
 * @param scale the values whose largest is brightest: the map's own, or those of a whole strip of maps
 */
export function heatOver(
  map: Float32Array,
  shape: readonly [number, number],
  image?: RgbImage,
  scale: Float32Array = map,
): RgbImage {
  const [height, width] = image ? [Math.max(shape[0], image.height), Math.max(shape[1], image.width)] : shape;
  const largest = percentile(scale, 0.998); // a lone bright pixel must not darken the rest
  const rgb = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      const value = bilinear(map, shape, ((y + 0.5) * shape[0]) / height - 0.5, ((x + 0.5) * shape[1]) / width - 0.5);
      if (Number.isNaN(value)) {
        rgb.set(NOT_A_NUMBER, at);
        continue;
      }
      const share = largest > 0 ? Math.min(1, Math.max(0, value / largest)) : 0;
      const heat = mapColor(ember, share);
      const grey = image
        ? greyAt(image, Math.floor((y * image.height) / height), Math.floor((x * image.width) / width))
        : 0;
      const weight = image ? 0.15 + 0.65 * Math.sqrt(share) : 1;
      for (let d = 0; d < 3; d++) rgb[at + d] = Math.round(heat[d] * weight + grey * 0.8 * (1 - weight));
    }
  }
  return { width, height, rgb };
}

function bilinear(map: Float32Array, [height, width]: readonly [number, number], y: number, x: number): number {
  const [cy, cx] = [Math.min(height - 1, Math.max(0, y)), Math.min(width - 1, Math.max(0, x))];
  const [y0, x0] = [Math.floor(cy), Math.floor(cx)];
  const [y1, x1] = [Math.min(height - 1, y0 + 1), Math.min(width - 1, x0 + 1)];
  const [fy, fx] = [cy - y0, cx - x0];
  const above = map[y0 * width + x0] * (1 - fx) + map[y0 * width + x1] * fx;
  const below = map[y1 * width + x0] * (1 - fx) + map[y1 * width + x1] * fx;
  return above * (1 - fy) + below * fy;
}

function greyAt({ rgb, width }: RgbImage, y: number, x: number): number {
  const at = 3 * (y * width + x);
  return 0.299 * rgb[at] + 0.587 * rgb[at + 1] + 0.114 * rgb[at + 2];
}

/**
 * Attention rollout (Abnar & Zuidema 2020): how much of each input reaches each output through all layers.
 *
 * @param layers one `[N, N]` matrix per layer, from the first to the last, heads averaged; row = query, column = key.
 * @param residual share of each token that skips the attention through the residual connection (0.5 in the paper).
 * @returns `[N, N]`, rows summing to 1.
 */
export function attentionRollout(layers: readonly ArrayLike<number>[], residual = 0.5): Float32Array {
  ensure(layers.length > 0, () => 'Attention rollout needs the matrix of at least one layer.');
  const n = Math.round(Math.sqrt(layers[0].length));
  let rolled = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  layers.forEach((layer, index) => {
    ensure(
      layer.length === n * n,
      () =>
        `Attention of layer ${index} has ${layer.length} values, not ${n}x${n}: rollout needs square matrices of one size.`,
    );
    const next = new Float64Array(n * n);
    for (let q = 0; q < n; q++) {
      let total = 0;
      for (let k = 0; k < n; k++) total += layer[q * n + k];
      for (let k = 0; k < n; k++) {
        const weight = ((1 - residual) * layer[q * n + k]) / total + (q === k ? residual : 0);
        if (weight === 0) continue;
        for (let j = 0; j < n; j++) next[q * n + j] += weight * rolled[k * n + j];
      }
    }
    rolled = next;
  });
  return Float32Array.from(rolled);
}
