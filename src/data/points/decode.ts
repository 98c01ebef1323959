/** Files of points to point sets, by what their bytes begin with. */
import { ensure } from '../../errors/index.js';
import { type NpyArray, parseNpy } from '../npy.js';
import { readNpz } from '../npz.js';
import { isOff, readOff } from './off.js';
import { isPly, readPly } from './ply.js';
import { MOST_CHANNELS, type PointSet, pointSet } from './pointSet.js';
import { readTable } from './table.js';

/** Endings of files that hold points. */
export const POINT_FILES = /\.(off|ply|xyz|txt|csv|pts|asc|npy|npz)$/i;

/**
 * Decodes a file of points: OFF, PLY, a table as text (xyz, txt, csv, pts, asc), npy `[N, C]`, or the first array of an npz
 * that fits. The content decides, not the ending; `name` stands in messages. Points without finite x, y and z are left out
 * and counted in `dropped`.
 * @throws HiperceiverError with a short reason for what is damaged, holds no points, or is none of these
 */
export async function decodePoints(bytes: Uint8Array, name: string): Promise<PointSet> {
  ensure(bytes.length > 0, () => 'the file is empty');
  if (isNpy(bytes)) return fromArray(parseNpy(bytes, name));
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] < 32) return fromArchive(readNpz(bytes, name));
  if (isPly(bytes)) return readPly(bytes);
  if (isOff(bytes)) return readOff(bytes);
  ensure(
    !bytes.subarray(0, 4096).some((byte) => byte < 9 || (byte > 13 && byte < 32)),
    () => 'it is none of OFF, PLY, npy, npz or a table as text',
  );
  return readTable(bytes);
}

function isNpy(bytes: Uint8Array): boolean {
  return bytes[0] === 0x93 && bytes[1] === 0x4e && bytes[2] === 0x55;
}

function fits({ shape }: NpyArray): boolean {
  return shape.length === 2 && shape[0] >= 1 && shape[1] >= 3 && shape[1] <= MOST_CHANNELS;
}

function fromArray(array: NpyArray): PointSet {
  const { shape, data } = array;
  ensure(fits(array), () => `its shape is [${shape}] where points are [N, C] with 3 to ${MOST_CHANNELS} columns`);
  const floats = data instanceof BigInt64Array ? Float32Array.from(data, Number) : Float32Array.from(data);
  return pointSet(floats, shape[1]);
}

function fromArchive(arrays: Map<string, NpyArray>): PointSet {
  const found = [...arrays.values()].find(fits);
  ensure(found, () => `none of its arrays (${describe(arrays)}) is [N, C] with 3 to ${MOST_CHANNELS} columns`);
  return fromArray(found);
}

function describe(arrays: Map<string, NpyArray>): string {
  return Array.from(arrays, ([name, { shape }]) => `${name} [${shape}]`).join(', ') || 'no numbers';
}
