/** TIFF and GeoTIFF rasters. */
import { ensure } from '../../errors/index.js';
import { type BandData, type BandStack, checkRasterSize } from './bandStack.js';
import { COMPRESSIONS } from './compression.js';
import { blockNumbers } from './tiffBlock.js';
import { type TiffPage, tiffDirectory } from './tiffDirectory.js';

export { isTiff } from './tiffDirectory.js';

/**
 * Reads a TIFF, BigTIFF or GeoTIFF file. Several pages of one size are a stack of bands; pages of other sizes than the
 * first (overviews without their mark, thumbnails) are left out. GDAL's no-data value is taken over.
 * @throws HiperceiverError with a short reason
 */
export function readTiff(bytes: Uint8Array): BandStack {
  const { little, pages: all } = tiffDirectory(bytes);
  const { height, width, bits, format, noData } = all[0];
  const pages = all.filter((page) => page.height === height && page.width === width);
  const bands = pages.reduce((sum, { samples }) => sum + samples, 0);
  checkRasterSize(height, width, bands);
  ensure(
    pages.every((page) => page.bits === bits && page.format === format),
    () => 'its pages hold numbers of different types, which is not read',
  );
  const data = arrayFor(bits, format, height * width * bands);
  let first = 0;
  for (const page of pages) {
    readPage(bytes, page, little, { data, bands, first });
    first += page.samples;
  }
  return { height, width, bands, data, ...(noData !== undefined && { noData }) };
}

/** Where a page's bands go: `[height, width, bands]`, from band `first` on. */
interface Target {
  data: BandData;
  bands: number;
  first: number;
}

function readPage(bytes: Uint8Array, page: TiffPage, little: boolean, { data, bands, first }: Target): void {
  const { height, width, samples, bits, planar, tiled, blockHeight, blockWidth } = page;
  const perBlock = planar ? 1 : samples;
  let block = 0;
  for (let plane = 0; plane < (planar ? samples : 1); plane++) {
    for (let top = 0; top < height; top += blockHeight) {
      const rows = Math.min(blockHeight, height - top);
      for (let left = 0; left < width; left += blockWidth, block++) {
        const columns = Math.min(blockWidth, width - left);
        const stored = (tiled ? blockHeight : rows) * blockWidth * perBlock * (bits / 8);
        const numbers = readBlock(bytes, page, little, block, stored);
        for (let y = 0; y < rows; y++) {
          let from = y * blockWidth * perBlock;
          for (let x = 0; x < columns; x++) {
            const to = ((top + y) * width + left + x) * bands + first + plane;
            for (let s = 0; s < perBlock; s++) data[to + s] = numbers ? numbers[from++] : (page.noData ?? 0);
          }
        }
      }
    }
  }
}

/** The numbers of a block of `size` bytes, or undefined for one without data (a sparse file). */
function readBlock(
  bytes: Uint8Array,
  page: TiffPage,
  little: boolean,
  block: number,
  size: number,
): ArrayLike<number> | undefined {
  const [offset, count] = [page.offsets[block], page.byteCounts[block]];
  if (count === 0) return undefined;
  const content = COMPRESSIONS[page.compression].decompress(bytes.subarray(offset, offset + count), size);
  ensure(content.length === size, () => `its block ${block + 1} holds ${content.length} of ${size} bytes`);
  return blockNumbers(content, page, little);
}

/** Bytes, 16-bit integers and floats as they are, every other type as floats. */
function arrayFor(bits: number, format: number, length: number): BandData {
  if (format === 1 && bits === 8) return new Uint8Array(length);
  if (format === 1 && bits === 16) return new Uint16Array(length);
  return format === 2 && bits === 16 ? new Int16Array(length) : new Float32Array(length);
}
