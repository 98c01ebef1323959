/** How images, videos and pairs of frames become rows of inputs: as pixels, patches, or features of a convolution. */
import { ensure } from '../../errors/index.js';
import { concat, type Tensor } from '../../graph/index.js';
import { applyMap, batchNormLayer, fanIn, linearMap, type Scope, zeros } from '../../nn/index.js';
import { cutFanIn, type Positions, positionRows } from './positions.js';

/** How an image is taken apart, and how its places are told. */
export interface ImagePreprocessor {
  /**
   * `pixels`: every s-th pixel; `patches`: space to depth; `conv1x1`: a linear map of every s-th pixel; `conv`: 7x7 with
   * stride 2, batch norm, ReLU and 3x3 max pooling with stride 2, once or several times.
   */
  kind: 'pixels' | 'patches' | 'conv1x1' | 'conv';
  /** s, or the patch: rows and columns alike, and frames. Default 1. */
  spatialStride?: number;
  temporalStride?: number;
  /** Output channels of a convolution, or of a linear map of the patches; patches stay as they are where absent. */
  channels?: number;
  /** Of `conv`. Defaults: one layer, with batch norm. */
  layers?: number;
  batchNorm?: boolean;
  /**
   * Of `conv`: TensorFlow's `SAME` borders (default), or Hugging Face's: always 3 around the convolution and none around the
   * pooling, so that 224 pixels become 55 instead of 56.
   */
  borders?: 'same' | 'huggingFace';
  /** None where absent. */
  positions?: Positions;
  /** Residual linear layers on the positions, with ReLU between them. Default 0. */
  positionLayers?: number;
  /** Whether positions stand behind the features or are added to them. Default `concat`. */
  combine?: 'concat' | 'add';
}

/** What a preprocessor gives. */
export interface Preprocessed {
  /** `[B, M, C]` with positions. */
  inputs: Tensor;
  /** `[B, M, C']` without. */
  features: Tensor;
  /** Places on each axis; their product is M. */
  indexShape: number[];
}

/**
 * Images `[B, H, W, C]` or videos `[B, T, H, W, C]` as rows.
 * @param at features of the rows' places where they do not lie on a grid, `[B or 1, M, F]`
 */
export function preprocessImages(scope: Scope, images: Tensor, options: ImagePreprocessor, at?: Tensor): Preprocessed {
  const map = features(scope, images, options);
  const [batch, channels] = [map.shape[0], map.shape[map.rank - 1]];
  const indexShape = map.shape.slice(1, -1);
  return withPositions(scope, map.reshape([batch, -1, channels]), indexShape, options, at);
}

/** Rows `[B, M, C]` with the positions of their places, behind them or added. */
export function withPositions(
  scope: Scope,
  rows: Tensor,
  indexShape: readonly number[],
  {
    positions,
    positionLayers = 0,
    combine = 'concat',
  }: Pick<ImagePreprocessor, 'positions' | 'positionLayers' | 'combine'>,
  at?: Tensor,
): Preprocessed {
  if (!positions) return { inputs: rows, features: rows, indexShape: [...indexShape] };
  let places = positionRows(scope, positions, indexShape, at);
  for (let i = 0; i < positionLayers; i++) {
    const width = places.shape[2];
    const map = linearMap(scope.child(`position_layer/${i}`), width, width, { initializer: cutFanIn(width) });
    places = places.add(applyMap(map, places));
    if (i < positionLayers - 1) places = places.relu();
  }
  ensure(
    combine === 'concat' || places.shape[2] === rows.shape[2],
    () => `Perceiver: positions of ${places.shape[2]} channels cannot be added to features of ${rows.shape[2]}.`,
  );
  const [batch, count] = rows.shape;
  const inputs =
    combine === 'add' ? rows.add(places) : concat([rows, places.expand([batch, count, places.shape[2]])], 2);
  return { inputs, features: rows, indexShape: [...indexShape] };
}

/** `[B, (T,) H, W, C]` → `[B, (T',) H', W', C']`. */
function features(scope: Scope, images: Tensor, options: ImagePreprocessor): Tensor {
  const { kind, spatialStride = 1, temporalStride = 1, channels } = options;
  ensure(
    images.rank === 4 || images.rank === 5,
    () => `Perceiver: images must be [B, H, W, C] or videos [B, T, H, W, C], not ${images}.`,
  );
  switch (kind) {
    case 'pixels':
      return everyNth(images, spatialStride, temporalStride);
    case 'patches': {
      const patches = spaceToDepth(images, spatialStride, temporalStride);
      const width = patches.shape[patches.rank - 1];
      if (channels === undefined) return patches;
      return applyMap(
        linearMap(scope.child('patch_projection'), width, channels, { initializer: cutFanIn(width) }),
        patches,
      );
    }
    case 'conv1x1': {
      const kept = everyNth(images, spatialStride, 1);
      const [inputs, out] = [kept.shape[kept.rank - 1], channelsOf(options)];
      const w = scope.child('conv1x1').parameter('w', [1, 1, inputs, out], fanIn(inputs));
      return kept.matmul(w.reshape([inputs, out])).add(scope.child('conv1x1').parameter('b', [out], zeros));
    }
    case 'conv':
      return eachFrame(images, (frames) => downsampled(scope, frames, options));
  }
}

function channelsOf({ kind, channels }: ImagePreprocessor): number {
  ensure(channels !== undefined && channels > 0, () => `Perceiver: a preprocessor of kind "${kind}" needs channels.`);
  return channels;
}

function everyNth(images: Tensor, spatial: number, temporal: number): Tensor {
  const steps = images.rank === 5 ? [1, temporal, spatial, spatial, 1] : [1, spatial, spatial, 1];
  return images.slice(images.shape.map((n, axis) => [0, n, steps[axis]]));
}

/** Patches as channels, ordered by frame, row, column and channel; one frame that is left of several has no axis of its own. */
function spaceToDepth(images: Tensor, spatial: number, temporal: number): Tensor {
  const isVideo = images.rank === 5;
  const [batch, frames, height, width, channels] = isVideo
    ? images.shape
    : [images.shape[0], 1, ...images.shape.slice(1)];
  const deep = isVideo ? temporal : 1;
  ensure(
    frames % deep === 0 && height % spatial === 0 && width % spatial === 0,
    () =>
      `Perceiver: ${frames} frames of ${height}x${width} do not divide into patches of ${deep} frames of ${spatial}x${spatial}.`,
  );
  const [t, h, w] = [frames / deep, height / spatial, width / spatial];
  const grid = isVideo && t > 1 ? [t, h, w] : [h, w];
  return images
    .reshape([batch, t, deep, h, spatial, w, spatial, channels])
    .transpose([0, 1, 3, 5, 2, 4, 6, 7])
    .reshape([batch, ...grid, deep * spatial * spatial * channels]);
}

/** Applies what works on images to every frame of a video. */
function eachFrame(images: Tensor, f: (frames: Tensor) => Tensor): Tensor {
  if (images.rank === 4) return f(images);
  const [batch, time, ...rest] = images.shape;
  const y = f(images.reshape([batch * time, ...rest]));
  return y.reshape([batch, time, ...y.shape.slice(1)]);
}

/** `[before, after]` on each axis for which a window with a stride gives ⌈n / stride⌉ places. */
function sameBorders(size: readonly number[], window: number, stride: number): [number, number][] {
  return size.map((n) => {
    const total = Math.max((Math.ceil(n / stride) - 1) * stride + window - n, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
}

/** Quarters rows and columns in each layer: `[B, H, W, C]` → `[B, H', W', channels]`. */
function downsampled(scope: Scope, images: Tensor, options: ImagePreprocessor): Tensor {
  const { layers = 1, batchNorm = true, borders = 'same' } = options;
  const out = channelsOf(options);
  let map = images.transpose([0, 3, 1, 2]);
  for (let i = 0; i < layers; i++) {
    const own = scope.child(`conv/${i}`);
    const inputs = map.shape[1];
    // Rows and columns of the kernel first, as the original keeps it.
    const w = own.parameter('w', [7, 7, inputs, out], fanIn(49 * inputs));
    const size = map.shape.slice(2);
    const border = borders === 'same' ? sameBorders(size, 7, 2) : size.map((): [number, number] => [3, 3]);
    const y = map.conv(w.transpose([3, 2, 0, 1]), { strides: [2, 2], padding: border });
    const active = (batchNorm ? batchNormLayer(own.child('norm'), y) : y).relu();
    map = active.maxPool({
      window: [3, 3],
      strides: [2, 2],
      padding: borders === 'same' ? sameBorders(active.shape.slice(2), 3, 2) : undefined,
    });
  }
  return map.transpose([0, 2, 3, 1]);
}

/**
 * What optical flow works on: the 3x3 neighbourhood of every pixel, zeros outside, ordered by row, column and channel;
 * frames `[B, T, H, W, C]` → `[B, T, H, W, 9·C]`.
 */
export function neighbourhoods(frames: Tensor): Tensor {
  const [, , height, width] = frames.shape;
  const bordered = frames.pad([
    [0, 0],
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
  const taps = Array.from({ length: 9 }, (_, tap) => {
    const [row, column] = [Math.floor(tap / 3), tap % 3];
    return bordered.slice([undefined, undefined, [row, row + height], [column, column + width]]);
  });
  return concat(taps, 4);
}
