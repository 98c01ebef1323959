/** Clips as animated pictures, for pages and reports. */
import sharp from 'sharp';
import { ensure } from '../../errors/index.js';
import type { Clip } from './clip.js';

/** Browsers show frames that last less than this, in milliseconds, for a tenth of a second. */
const SHORTEST = 20;

/**
 * An animated WebP without loss that repeats for ever.
 * @throws HiperceiverError where the clip's sizes do not agree
 */
export async function formatAnimation(
  { height, width, frames }: Pick<Clip, 'height' | 'width' | 'frames'>,
  frameRate: number,
): Promise<Buffer> {
  const count = frames.length / (height * width * 3);
  ensure(
    Number.isInteger(count) && count > 0,
    () => `A clip of ${height}x${width} has ${frames.length} bytes: give [frames, height, width, 3].`,
  );
  ensure(frameRate > 0, () => `frameRate is ${frameRate}: give frames per second above 0.`);
  // sharp takes an animation as one tall picture, cut at every page.
  const raw = { width, height: height * count, channels: 3 as const, pageHeight: height };
  const delay = Array.from({ length: count }, () => Math.max(SHORTEST, Math.round(1000 / frameRate)));
  return sharp(frames, { raw, limitInputPixels: false }).webp({ lossless: true, effort: 2, loop: 0, delay }).toBuffer();
}
