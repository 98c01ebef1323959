/**
 * What the directories of a TIFF file claim, checked before anything is decoded or allocated (TIFF 6.0, sections 2, 8 and
 * 15; BigTIFF has wider fields).
 */
import { ensure } from '../../errors/index.js';
import { checkRasterSize } from './bandStack.js';
import { COMPRESSIONS } from './compression.js';

/** One page whose claims hold together. */
export interface TiffPage {
  height: number;
  width: number;
  /** Bands. */
  samples: number;
  /** Bits per sample, the same for all. */
  bits: number;
  /** 1 unsigned, 2 signed, 3 floating point. */
  format: number;
  compression: number;
  /** 1 none, 2 differences to the left, 3 the same of floats split into bytes. */
  predictor: number;
  /** Each band in blocks of its own. */
  planar: boolean;
  /** Tiles, all of the same size; strips end with the image. */
  tiled: boolean;
  blockHeight: number;
  blockWidth: number;
  /** Where each block begins in the file, and its bytes there; 0 bytes: a block without data. */
  offsets: readonly number[];
  byteCounts: readonly number[];
  /** GDAL's no-data value. */
  noData?: number;
}

/** A checked file: its byte order and its full-resolution pages. */
export interface TiffFile {
  little: boolean;
  pages: TiffPage[];
}

const TYPE_BYTES: Record<number, number> = {
  ...{ 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8 },
};
const MOST_PAGES = 4096;
/** Bytes of blocks without data (sparse files): a header of a few bytes may ask for no more. */
const MOST_EMPTY = 2 ** 28;

/** The numbers of a directory by tag. */
type Tags = Map<number, number[]>;

const TAG = {
  ...{ subfile: 254, width: 256, height: 257, bits: 258, compression: 259, stripOffsets: 273, samples: 277 },
  ...{ rowsPerStrip: 278, stripBytes: 279, planar: 284, predictor: 317, tileWidth: 322, tileHeight: 323 },
  ...{ tileOffsets: 324, tileBytes: 325, format: 339, noData: 42113 },
} as const;
/** Tags of long lists beyond these (geographic ones, thumbnails) are passed over. */
const NEEDED = new Set<number>(Object.values(TAG));
/** An overview of less resolution, or a mask. */
const NO_IMAGE = 1 | 4;

/** Whether bytes begin as a TIFF or BigTIFF file. */
export function isTiff(bytes: Uint8Array): boolean {
  const order = String.fromCharCode(bytes[0], bytes[1]);
  const magic = order === 'II' ? bytes[2] | (bytes[3] << 8) : order === 'MM' ? (bytes[2] << 8) | bytes[3] : 0;
  return magic === 42 || magic === 43;
}

/**
 * Checks a TIFF file. Overviews and masks are left out of its pages.
 * @throws HiperceiverError with a short reason where a page's claims do not fit the file
 */
export function tiffDirectory(bytes: Uint8Array): TiffFile {
  const little = bytes[0] === 0x49;
  const pages = directories(bytes, little)
    .filter((tags) => ((tags.get(TAG.subfile)?.[0] ?? 0) & NO_IMAGE) === 0)
    .map((tags) => checkedPage(tags, bytes.length));
  ensure(pages.length > 0, () => 'it holds no full-resolution image');
  return { little, pages };
}

/** The tags of every directory. */
function directories(bytes: Uint8Array, little: boolean): Tags[] {
  ensure(bytes.length >= 16, () => 'it is truncated inside its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const big = view.getUint16(2, little) === 43;
  const within = (at: number, size: number) => at >= 8 && at + size <= bytes.length;
  const word = (at: number) => (big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const [countBytes, entryBytes, wordBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const found: Tags[] = [];
  let listed = 0;
  const seen = new Set<number>();
  for (let at = word(big ? 8 : 4); at !== 0; ) {
    ensure(!seen.has(at) && found.length < MOST_PAGES, () => 'its directories go round in a circle');
    seen.add(at);
    ensure(within(at, countBytes), () => 'it is truncated before a directory');
    const entries = big ? Number(view.getBigUint64(at, little)) : view.getUint16(at, little);
    const first = at + countBytes;
    ensure(within(first, entries * entryBytes + wordBytes), () => 'it is truncated inside a directory');
    const tags: Tags = new Map();
    for (let entry = first; entry < first + entries * entryBytes; entry += entryBytes) {
      const tag = view.getUint16(entry, little);
      if (!NEEDED.has(tag)) continue;
      const type = view.getUint16(entry + 2, little);
      const count = word(entry + 4);
      const size = count * (TYPE_BYTES[type] ?? Number.NaN);
      const place = size <= wordBytes ? entry + 4 + wordBytes : word(entry + 4 + wordBytes);
      ensure(within(place, size), () => `its tag ${tag} claims ${count} values of type ${type} beyond its end`);
      // Lists of several directories in one place would be read once for each.
      ensure((listed += size) <= 2 * bytes.length, () => 'its directories list more than the file holds');
      tags.set(tag, integers(view, place, TYPE_BYTES[type], count, little));
    }
    found.push(tags);
    at = word(first + entries * entryBytes);
  }
  return found;
}

function integers(view: DataView, place: number, bytes: number, count: number, little: boolean): number[] {
  return Array.from({ length: count }, (_, i) => {
    const at = place + i * bytes;
    if (bytes === 1) return view.getUint8(at);
    if (bytes === 2) return view.getUint16(at, little);
    return bytes === 4 ? view.getUint32(at, little) : Number(view.getBigUint64(at, little));
  });
}

function checkedPage(tags: Tags, fileBytes: number): TiffPage {
  const value = (tag: number, otherwise: number) => tags.get(tag)?.[0] ?? otherwise;
  const [width, height, samples] = [value(TAG.width, 0), value(TAG.height, 0), value(TAG.samples, 1)];
  checkRasterSize(height, width, samples);
  const { bits, format } = numberType(tags, samples);
  const [compression, predictor] = [value(TAG.compression, 1), value(TAG.predictor, 1)];
  ensure(
    Object.hasOwn(COMPRESSIONS, compression),
    () =>
      `it is compressed by method ${compression}: convert it to one of ${Object.values(COMPRESSIONS).map(({ name }) => name)}`,
  );
  ensure(
    predictor === 1 || (predictor === 2 && bits <= 32) || (predictor === 3 && format === 3),
    () => `its predictor ${predictor} does not fit numbers of ${bits} bits`,
  );

  const tiled = tags.has(TAG.tileWidth);
  const blockWidth = tiled ? value(TAG.tileWidth, 0) : width;
  const blockHeight = tiled ? value(TAG.tileHeight, 0) : Math.min(height, value(TAG.rowsPerStrip, height));
  ensure(blockWidth > 0 && blockHeight > 0, () => `its blocks are ${blockWidth}x${blockHeight}`);
  const planar = value(TAG.planar, 1) === 2;
  const pixelBytes = (planar ? 1 : samples) * (bits / 8);
  const blocks = Math.ceil(width / blockWidth) * Math.ceil(height / blockHeight) * (planar ? samples : 1);
  const offsets = tags.get(tiled ? TAG.tileOffsets : TAG.stripOffsets) ?? [];
  const byteCounts = tags.get(tiled ? TAG.tileBytes : TAG.stripBytes) ?? [];
  const listed = Math.min(offsets.length, byteCounts.length);
  ensure(listed >= blocks, () => `it lists ${listed} of its ${blocks} blocks`);
  // What a block of its size can come from at most decides whether memory for the raster is asked for at all.
  const { factor } = COMPRESSIONS[compression];
  let empty = 0;
  for (let i = 0; i < blocks; i++) {
    if (byteCounts[i] === 0 && (empty += blockHeight * blockWidth * pixelBytes) <= MOST_EMPTY) continue;
    ensure(byteCounts[i] > 0, () => `it has no data for most of its ${width}x${height} pixels`);
    ensure(offsets[i] + byteCounts[i] <= fileBytes, () => `its block ${i + 1} of ${blocks} lies beyond its end`);
    const rows = tiled
      ? blockHeight
      : Math.min(blockHeight, height - (i % Math.ceil(height / blockHeight)) * blockHeight);
    const needed = rows * blockWidth * pixelBytes;
    ensure(
      needed <= byteCounts[i] * factor,
      () => `its block ${i + 1} of ${blockWidth}x${rows} pixels cannot come from ${byteCounts[i]} bytes`,
    );
  }
  const noData = Number.parseFloat(String.fromCharCode(...(tags.get(TAG.noData) ?? []).slice(0, 64)));
  return {
    ...{ height, width, samples, bits, format, compression, predictor, planar, tiled, blockHeight, blockWidth },
    ...{ offsets, byteCounts, noData: Number.isNaN(noData) ? undefined : noData },
  };
}

/** One type of numbers for all bands. */
function numberType(tags: Tags, samples: number): { bits: number; format: number } {
  const depths = tags.get(TAG.bits) ?? [1];
  const formats = tags.get(TAG.format) ?? [1];
  for (const list of [depths, formats])
    ensure(
      list.length > 0 && list.every((entry) => entry === list[0]),
      () => 'its bands hold numbers of different types, which is not read',
    );
  ensure(depths.length === 1 || depths.length >= samples, () => `it has ${samples} bands, but tells the type of fewer`);
  const [bits, format] = [depths[0], formats[0]];
  const known = format === 3 ? [16, 32, 64] : format === 1 || format === 2 ? [8, 16, 32] : [];
  ensure(known.includes(bits), () => `its numbers are of ${bits} bits in format ${format}, which is not read`);
  return { bits, format };
}
