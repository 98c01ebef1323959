/** Large multi-band rasters, alone or with a class number for each pixel beside them, cut into tiles. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { type BandData, type BandStack, decodeBands, tileWindows } from '../bands/index.js';
import { readLines } from '../bytes.js';
import { decodeLabelMap, type LabelMap } from '../labelMaps/index.js';
import type { Window } from '../resample.js';
import type { FoundExamples, Location, SplitExamples } from './format.js';

const RASTER = /^(?:bands|image|raster|scene)\.(tiff?|npy|npz)$/i;
const LABELS = /^(?:labels?|mask|classes)\.(png|npy|tiff?)$/i;
/** Numbers of pixels that no class was given to, by custom. */
const VOID = [0, 255];
/** A TIFF of more bands than this is no picture. */
const PICTURE_BANDS = 4;
/** Side of the tiles where nothing is said. */
const DEFAULT_TILE = 32;
/** Tiles with a smaller share of labelled pixels teach nothing. */
const LEAST_LABELLED = 0.05;

/** Takes one raster, or a folder with `bands.npy` or `.tif` in it and perhaps `labels.npy`, `.png` or `.tif`. */
export async function detectRasters(location: Location): Promise<FoundExamples | undefined> {
  const { file, files, folder, tile = DEFAULT_TILE, ignore = VOID } = location;
  const raster = file ?? files.find((name) => RASTER.test(name)) ?? onlyRaster(files);
  if (raster === undefined || !/\.(tiff?|npy|npz)$/i.test(raster)) return undefined;
  const labels = file === undefined ? files.find((name) => LABELS.test(name)) : undefined;
  return {
    splits: [],
    read: () => readTiles(folder, raster, labels, typeof tile === 'number' ? [tile, tile] : tile, ignore),
  };
}

/** Whether what is here is a raster by its name, or a single TIFF of more bands than a picture has. */
export async function detectNamedRaster({
  folder,
  file,
  files,
}: Pick<Location, 'folder' | 'file' | 'files'>): Promise<boolean> {
  if (file === undefined && files.some((name) => /^bands\.|^scene\./i.test(name) && RASTER.test(name))) return true;
  const single = file ?? onlyRaster(files);
  if (single === undefined || !/\.tiff?$/i.test(single)) return false;
  const stack = await decodeBands(await readFile(join(folder, single)), single).catch(() => undefined);
  return stack !== undefined && stack.bands > PICTURE_BANDS;
}

/** A folder with a single TIFF and no other raster. */
function onlyRaster(files: readonly string[]): string | undefined {
  const rasters = files.filter((name) => /\.tiff?$/i.test(name));
  return rasters.length === 1 ? rasters[0] : undefined;
}

async function readTiles(
  folder: string,
  rasterFile: string,
  labelFile: string | undefined,
  tile: readonly [number, number],
  ignore: readonly number[],
): Promise<SplitExamples> {
  const name = join(folder, rasterFile);
  const stack = shared(await named(name, async (bytes) => decodeBands(bytes, name)));
  const labels = labelFile === undefined ? undefined : await named(join(folder, labelFile), decodeLabelMap);
  ensure(
    !labels || (labels.height === stack.height && labels.width === stack.width),
    () =>
      `"${join(folder, labelFile as string)}" has ${labels?.width}x${labels?.height} pixels, and "${name}" ${stack.width}x${stack.height}: give labels of the raster's size.`,
  );
  const windows = tileWindows(stack.height, stack.width, tile);
  const kept = labels ? windows.filter((window) => labelledShare(labels, window, ignore) >= LEAST_LABELLED) : windows;
  const left = windows.length - kept.length;
  const ids = labels && [...new Set(labels.ids)].filter((id) => !ignore.includes(id)).sort((a, b) => a - b);
  const names = await readLines(join(folder, 'classes.txt'));
  return {
    source: {
      kind: 'rasters',
      rasters: [{ name, stack, labels }],
      tiles: Int32Array.from(kept.flatMap(({ top, left, height, width }) => [0, top, left, height, width])),
    },
    classes: ids ? ids.map((id, i) => names?.[i] ?? String(id)) : [],
    dense: ids && { ids, ignore },
    remarks: left > 0 ? [`${left} of ${windows.length} tiles have next to no labels and were left out.`] : [],
  };
}

async function named<T>(path: string, decode: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  try {
    return await decode(await readFile(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HiperceiverError(`"${path}" cannot be read (${reason}): replace it by an intact copy.`);
  }
}

function labelledShare(labels: LabelMap, window: Window, ignore: readonly number[]): number {
  let labelled = 0;
  for (let y = window.top; y < window.top + window.height; y++)
    for (let x = window.left; x < window.left + window.width; x++)
      if (!ignore.includes(labels.ids[y * labels.width + x])) labelled++;
  return labelled / (window.height * window.width);
}

/** In memory that worker threads share. */
function shared(stack: BandStack): BandStack {
  const memory = new SharedArrayBuffer(stack.data.byteLength);
  const data = new (stack.data.constructor as new (memory: SharedArrayBuffer) => BandData)(memory);
  data.set(stack.data);
  return { ...stack, data };
}
