/** Images and sizes as references take them. */
import type { Tensor } from '../graph/index.js';
import type { Size2d } from '../nn/index.js';

/** A pair that may be one number for both. */
export function pairOf(size: number | readonly number[]): Size2d {
  return typeof size === 'number' ? [size, size] : [size[0], size[1] ?? size[0]];
}

/** Images `[B, C, H, W]` as models take them: pixels `[B, H·W, C]`, and H and W. */
export function pixelsOf(images: Tensor): { pixels: Tensor; size: Size2d } {
  const [batch, channels, height, width] = images.shape;
  return { pixels: images.transpose([0, 2, 3, 1]).reshape([batch, height * width, channels]), size: [height, width] };
}
