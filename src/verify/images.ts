/** Images and sizes as references take them. */
import type { Tensor } from '../graph/index.js';
import type { Size2d } from '../nn/index.js';

export { pairOf } from '../models/published/torchArguments.js';

/** Images `[B, C, H, W]` as models take them: pixels `[B, H·W, C]`, and H and W. */
export function pixelsOf(images: Tensor): { pixels: Tensor; size: Size2d } {
  const [batch, channels, height, width] = images.shape;
  return { pixels: images.transpose([0, 2, 3, 1]).reshape([batch, height * width, channels]), size: [height, width] };
}
