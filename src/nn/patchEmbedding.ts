/** Images in patches, one token each (Dosovitskiy et al. 2020, arXiv 2010.11929, section 3.1). */
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import { applyMap, type LinearOptions, linearMap } from './linearMap.js';
import type { Scope } from './scope.js';

/** Height and width. */
export type Size2d = readonly [number, number];

/**
 * Rows and columns of patches in an image.
 * @throws HiperceiverError where the image is not a multiple of the patch.
 */
export function patchGrid([height, width]: Size2d, [rows, columns]: Size2d): [number, number] {
  ensure(
    height % rows === 0 && width % columns === 0,
    () =>
      `Images of ${height}x${width} do not divide into patches of ${rows}x${columns}: choose an image size that is a multiple of the patch.`,
  );
  return [height / rows, width / columns];
}

/**
 * Pixels `[B, H·W, C]`, row by row, → patches `[B, N, p·q·C]`: patches row by row, the values of each ordered by row, column
 * and channel.
 */
export function patchify(pixels: Tensor, size: Size2d, patch: Size2d): Tensor {
  const [batch, , channels] = pixels.shape;
  const [height, width] = patchGrid(size, patch);
  const [rows, columns] = patch;
  return pixels
    .reshape([batch, height, rows, width, columns, channels])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([batch, height * width, rows * columns * channels]);
}

/** The inverse of {@link patchify}: patches `[B, N, p·q·C]` → pixels `[B, H·W, C]`. */
export function unpatchify(patches: Tensor, size: Size2d, patch: Size2d): Tensor {
  const [height, width] = patchGrid(size, patch);
  const [rows, columns] = patch;
  const [batch, , values] = patches.shape;
  const channels = values / (rows * columns);
  return patches
    .reshape([batch, height, width, rows, columns, channels])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([batch, size[0] * size[1], channels]);
}

/** What a patch embedding takes and gives. */
export interface PatchEmbeddingOptions extends LinearOptions {
  /** Of the image. */
  size: Size2d;
  patch: Size2d;
  /** Width D of the tokens. */
  width: number;
}

/**
 * A linear map of every patch: pixels `[B, H·W, C]` → tokens `[B, N, D]`. It is the references' convolution with stride and
 * kernel of the patch; its weight `[D, C, p, q]` is `w` `[p·q·C, D]` here, axes (2, 3, 1, 0).
 */
export function patchEmbedding(
  scope: Scope,
  pixels: Tensor,
  { size, patch, width, ...options }: PatchEmbeddingOptions,
): Tensor {
  const patches = patchify(pixels, size, patch);
  return applyMap(linearMap(scope, patches.shape[2], width, options), patches);
}
