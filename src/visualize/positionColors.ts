/** Position tables as colours. */
import { ensure } from '../errors/index.js';
import { NOT_A_NUMBER } from './color.js';
import { principalComponents } from './pca.js';
import { percentile, type RgbImage } from './picture.js';

/**
 * The position table `[H*W, E]` as an image: its three principal components become red, green and blue, each scaled
 * from its 2nd to its 98th percentile. Where the table holds the image's geometry the colours flow; else they are noise.
 */
export function positionsToRgb(table: Float32Array, [height, width]: readonly [number, number]): RgbImage {
  const positions = height * width;
  const { projected } = principalComponents(table, embedDimOf(table, height, width), 3);
  const rgb = new Uint8Array(positions * 3);
  for (let d = 0; d < 3; d++) {
    const values = projected.filter((_, i) => i % 3 === d);
    const [low, high] = [percentile(values, 0.02), percentile(values, 0.98)];
    for (let p = 0; p < positions; p++) {
      rgb[3 * p + d] = high > low ? Math.round(255 * Math.min(1, Math.max(0, (values[p] - low) / (high - low)))) : 128;
    }
  }
  for (let p = 0; p < positions; p++) if (Number.isNaN(projected[3 * p])) rgb.set(NOT_A_NUMBER, 3 * p);
  return { width, height, rgb };
}

/** Width E of a position table `[H*W, E]`. @throws HiperceiverError where it does not divide */
export function embedDimOf(table: Float32Array, height: number, width: number): number {
  ensure(
    table.length > 0 && table.length % (height * width) === 0,
    () =>
      `A position table of ${table.length} values does not split into ${height}x${width} rows: check the index shape.`,
  );
  return table.length / (height * width);
}
