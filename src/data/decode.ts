/** Encoded image files to pixels, through sharp. */
import sharp, { type Metadata } from 'sharp';
import type { Window } from './resample.js';
import type { RawImage } from './source.js';

/** More pixels than this are refused from the header alone, before memory is touched. */
const LARGEST = 2 ** 27;
const OPTIONS = { failOn: 'error', limitInputPixels: LARGEST, sequentialRead: true } as const;
const RESIZE = { fit: 'fill', kernel: 'cubic' } as const;

/** Height and width of an encoded image as it is seen (EXIF orientation applied), and 1 (grey) or 3 (colour) channels. */
export async function imageHeader(bytes: Uint8Array): Promise<{ height: number; width: number; channels: 1 | 3 }> {
  return header(await sharp(bytes, OPTIONS).metadata());
}

/**
 * Decodes the window that `choose` picks of an image, resized to `height` x `width`. Orientation is applied, CMYK and
 * 16-bit become 8-bit sRGB, transparency is laid on white, of an animation the first frame counts. Grey images stay grey.
 * @returns bytes `[height, width, 1 or 3]`
 * @throws where the file is damaged, truncated, no image, or has more than 2^27 pixels
 */
export async function decodeImage(
  bytes: Uint8Array,
  [height, width]: readonly [number, number],
  choose: (height: number, width: number) => Window,
): Promise<RawImage> {
  const image = sharp(bytes, OPTIONS);
  const { height: fullHeight, width: fullWidth, channels } = header(await image.metadata());
  const window = choose(fullHeight, fullWidth);
  image.autoOrient();
  const isWhole = window.height === fullHeight && window.width === fullWidth;
  if (!isWhole && window.height >= 2 * height && window.width >= 2 * width) {
    // What is resized first is decoded at half its size or less (JPEG, WebP): half the time. Costs half a pixel's exactness.
    const [tall, wide] = [(fullHeight * height) / window.height, (fullWidth * width) / window.width].map(Math.round);
    const top = Math.min(tall - height, Math.round((window.top * height) / window.height));
    const left = Math.min(wide - width, Math.round((window.left * width) / window.width));
    image.resize(wide, tall, RESIZE).extract({ top, left, height, width });
  } else {
    if (!isWhole) image.extract(onlyWindow(window));
    if (window.height !== height || window.width !== width) image.resize(width, height, RESIZE);
  }
  const { data, info } = await image
    .flatten({ background: '#ffffff' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, channels: info.channels, data };
}

/** Why a file could not be decoded, on one line. */
export function decodeFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .trim()
    .split('\n')[0]
    .replace(/^Input buffer /, 'file ');
}

function header(metadata: Metadata): { height: number; width: number; channels: 1 | 3 } {
  const grey = metadata.space === 'b-w' || metadata.space === 'grey16';
  return { height: metadata.autoOrient.height, width: metadata.autoOrient.width, channels: grey ? 1 : 3 };
}

/** Without the further fields that a view brings along. */
function onlyWindow({ top, left, height, width }: Window): Window {
  return { top, left, height, width };
}
