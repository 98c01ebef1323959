/** Files of multi-band rasters to stacks. */
import { ensure } from '../../errors/index.js';
import { type NpyArray, parseNpy } from '../npy.js';
import { readNpz } from '../npz.js';
import { type BandLayout, fromArray, stackShape } from './arrays.js';
import type { BandStack } from './bandStack.js';
import { isTiff, readTiff } from './tiff.js';

/** Endings of files that hold rasters of bands. */
export const BAND_FILES = /\.(tiff?|npy|npz)$/i;

/**
 * Decodes a raster: TIFF and GeoTIFF (strips or tiles, chunky or planar, bytes to 64-bit floats; plain, LZW, deflate or
 * PackBits, with predictors; pages of equal size are bands one after the other), npy, or the first array of an npz that
 * fits. Arrays are `[H, W]`, or `[bands, H, W]`, `[H, W, bands]`, with an axis of dates before where there are four; the
 * content decides, not the ending, and `name` stands in messages.
 * @param options.layout where arrays have their bands; `auto` (default): the smaller of the first and the last axis
 * @throws HiperceiverError with a short reason, before memory is touched where a header lies about sizes
 */
export async function decodeBands(
  bytes: Uint8Array,
  name: string,
  { layout = 'auto' }: { layout?: BandLayout } = {},
): Promise<BandStack> {
  ensure(bytes.length > 0, () => 'the file is empty');
  if (isTiff(bytes)) return readTiff(bytes);
  if (bytes[0] === 0x93 && bytes[1] === 0x4e) return fromArray(parseNpy(bytes, name), layout);
  ensure(bytes[0] === 0x50 && bytes[1] === 0x4b, () => 'it is none of TIFF, npy or npz');
  return fromArchive(readNpz(bytes, name), layout);
}

/** The first array of three or four axes, else the first of two. */
function fromArchive(arrays: Map<string, NpyArray>, layout: BandLayout): BandStack {
  const all = [...arrays.values()];
  const found =
    all.find(({ shape }) => shape.length > 2 && stackShape(shape, layout)) ??
    all.find(({ shape }) => shape.length === 2);
  const list = Array.from(arrays, ([member, { shape }]) => `${member} [${shape}]`).join(', ') || 'no numbers';
  ensure(found, () => `none of its arrays (${list.slice(0, 120)}) is a raster of bands`);
  return fromArray(found, layout);
}
