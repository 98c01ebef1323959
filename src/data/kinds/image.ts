/** Images: one signal of height x width pixels. */
import { ensure } from '../../errors/index.js';
import { decodeImage } from '../decode.js';
import { resample } from '../resample.js';
import { checkTransform, type TransformOptions, writeFrames } from '../transform.js';
import { drawView, type View } from '../view.js';
import type { SignalKind } from './kind.js';

export const image: SignalKind<TransformOptions> = {
  parts: { image: /\.(jpe?g|png|webp|gif|tiff?|avif|bmp)$/i },
  noun: 'image',
  shapes: ({ imageSize, channels }) => [{ name: 'image', indexShape: [...imageSize], channels }],
  check: checkTransform,
  plain: ({ imageSize, window, channels, mean, std, crop }) => ({
    ...{ imageSize, window, channels, mean, std },
    crop: crop === 'none' ? 'none' : 'center',
    flip: false,
  }),
  statistics: ({ mean, std }) => ({ image: { mean: [...mean], std: [...std] } }),
  withStatistics: (options, statistics) => ({ ...options, ...statistics.image }),
  async read({ stored, parts }, options, key, { signals }) {
    const [height, width] = options.imageSize;
    if (stored) {
      const view = drawView(key, stored.height, stored.width, options);
      return writeFrames([resample(stored, view, height, width)], view, options, key, signals.image);
    }
    if (!parts) throw new Error('a raster is read as bands');
    let view: View | undefined;
    const choose = (h: number, w: number) => (view = drawView(key, h, w, options));
    const decoded = await decodeImage(parts.image, options.imageSize, choose);
    ensure(view !== undefined, () => 'the decoder asked for no window');
    writeFrames([decoded], view, options, key, signals.image);
  },
};
