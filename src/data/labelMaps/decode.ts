/** Label-map files to class numbers. */
import { ensure } from '../../errors/index.js';
import { decodeBands } from '../bands/decode.js';
import { type NpyArray, parseNpy } from '../npy.js';
import type { Color } from './colors.js';
import type { LabelMap } from './labelMap.js';
import { isPng, type PngSamples, readPng } from './png.js';

/** Endings of files that hold label maps. */
export const LABEL_MAP_FILES = /\.(png|npy|tiff?)$/i;

const LARGEST = 2 ** 27;

/** How a label map is to be read. */
export interface LabelMapOptions {
  /** Colours of the classes, for maps that show classes by colour; other colours are void and counted. */
  colors?: readonly Color[];
}

/**
 * Decodes a label map. Palette PNG gives its indices (PASCAL VOC), grey PNG of any depth its values, unless `colors` are
 * given and the map has any: then the place of each pixel's colour in that list. A colour PNG whose channels are equal
 * counts as grey; alpha is passed over. npy `[H, W]` of integers and single-band TIFF give their values.
 * @throws HiperceiverError with a short reason
 */
export async function decodeLabelMap(
  bytes: Uint8Array,
  { colors }: LabelMapOptions = {},
  name = 'label map',
): Promise<LabelMap> {
  if (isPng(bytes)) return fromPng(readPng(bytes), colors);
  if (bytes[0] === 0x93 && bytes[1] === 0x4e) return fromNpy(parseNpy(bytes, name));
  const tiff = (bytes[0] === 0x49 && bytes[1] === 0x49) || (bytes[0] === 0x4d && bytes[1] === 0x4d);
  ensure(tiff, () => 'it is none of PNG, npy or TIFF, which keep class numbers exactly');
  const { height, width, bands, data } = await decodeBands(bytes, name);
  ensure(bands === 1, () => `it has ${bands} bands where a label map has one`);
  return fromNumbers(height, width, data);
}

function fromPng(
  { height, width, channels, samples, palette, depth }: PngSamples,
  colors?: readonly Color[],
): LabelMap {
  if (channels <= 2 && !(palette && colors)) {
    const ids = channels === 1 ? samples : samples.filter((_, i) => i % 2 === 0);
    return { height, width, ids, unknown: 0 };
  }
  const pixels = height * width;
  if (!palette && !colors) {
    const ids = samples.filter((_, i) => i % channels === 0);
    for (let p = 0; p < pixels; p++)
      ensure(
        samples[p * channels + 1] === ids[p] && samples[p * channels + 2] === ids[p],
        () =>
          'it shows classes by colour, so the colours of the classes are needed (label_colors.txt or class_dict.csv)',
      );
    return { height, width, ids, unknown: 0 };
  }
  const classOf = classesByColor(colors as readonly Color[]);
  const voidId = (colors as readonly Color[]).length <= 255 ? 255 : 65535;
  const ids = voidId === 255 ? new Uint8Array(pixels) : new Uint16Array(pixels);
  let unknown = 0;
  // Deep colour is compared by its upper eight bits.
  const shift = depth === 16 ? 8 : 0;
  for (let p = 0; p < pixels; p++) {
    const at = palette ? 3 * samples[p] : p * channels;
    const from = palette ?? samples;
    const key = ((from[at] >> shift) << 16) | ((from[at + 1] >> shift) << 8) | (from[at + 2] >> shift);
    const id = palette && at >= palette.length ? undefined : classOf.get(key);
    if (id === undefined) unknown++;
    ids[p] = id ?? voidId;
  }
  return { height, width, ids, voidId, unknown };
}

function classesByColor(colors: readonly Color[]): Map<number, number> {
  ensure(colors.length > 0 && colors.length < 65535, () => `colors has ${colors.length} entries: give one per class`);
  return new Map(colors.map(([r, g, b], id) => [(r << 16) | (g << 8) | b, id]));
}

function fromNpy({ shape, data }: NpyArray): LabelMap {
  const sizes = shape.length === 3 ? shape.filter((size, axis) => size !== 1 || axis === 1) : shape;
  ensure(
    sizes.length === 2 && sizes.every((size) => size > 0),
    () => `its shape is [${shape}] where a label map is [H, W]`,
  );
  ensure(sizes[0] * sizes[1] <= LARGEST, () => `it has ${sizes[0]}x${sizes[1]} pixels, more than ${LARGEST}`);
  return fromNumbers(sizes[0], sizes[1], data instanceof BigInt64Array ? Float64Array.from(data, Number) : data);
}

/** Numbers below 0 (a common mark of void) and fractions are no classes: they become void and are counted. */
function fromNumbers(height: number, width: number, values: ArrayLike<number>): LabelMap {
  if (values instanceof Uint8Array || values instanceof Uint16Array) return { height, width, ids: values, unknown: 0 };
  const voidId = 65535;
  let unknown = 0;
  const ids = Uint16Array.from(values, (value) => {
    if (Number.isInteger(value) && value >= 0 && value < voidId) return value;
    unknown++;
    return voidId;
  });
  return { height, width, ids, voidId: unknown > 0 ? voidId : undefined, unknown };
}
