/**
 * The exact samples of a PNG file. Image libraries expand palettes, scale shallow depths and apply colour profiles; class
 * numbers must come through untouched (PNG specification, third edition, sections 7 to 10).
 */
import { inflateSync } from 'node:zlib';
import { ensure } from '../../errors/index.js';

/** Samples as they are stored, `[height, width, channels]`. */
export interface PngSamples {
  height: number;
  width: number;
  /** 1 grey or palette index, 2 grey and alpha, 3 colour, 4 colour and alpha. */
  channels: 1 | 2 | 3 | 4;
  /** Bits per sample. */
  depth: 1 | 2 | 4 | 8 | 16;
  samples: Uint8Array | Uint16Array;
  /** Colours of the indices, `[P, 3]`, where samples are palette indices. */
  palette?: Uint8Array;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const LARGEST = 2 ** 27;
/** Channels and allowed depths by colour type. */
const COLOR_TYPES: Record<number, { channels: 1 | 2 | 3 | 4; depths: number[] }> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};
const PALETTE_TYPE = 3;

/** A reduced picture of an interlaced file: every `dx`-th column from `x`, every `dy`-th row from `y`. */
interface Pass {
  x: number;
  y: number;
  dx: number;
  dy: number;
}
const WHOLE: readonly Pass[] = [{ x: 0, y: 0, dx: 1, dy: 1 }];
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

/** Whether bytes begin as a PNG file. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a PNG file of any colour type, depth and interlacing.
 * @throws HiperceiverError with a short reason where it is damaged, or has more than 2^27 pixels (before memory is touched)
 */
export function readPng(bytes: Uint8Array): PngSamples {
  ensure(isPng(bytes), () => 'it is no PNG file');
  const { header, palette, data } = chunks(bytes);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, type, , , interlace] = header.subarray(8);
  ensure(width > 0 && height > 0, () => `its size is ${width}x${height}`);
  ensure(width * height <= LARGEST, () => `it has ${width}x${height} pixels, more than ${LARGEST}`);
  const { channels, depths } = COLOR_TYPES[type] ?? { channels: 1, depths: [] };
  ensure(depths.includes(depth) && interlace <= 1, () => `its header is damaged (colour type ${type}, ${depth} bits)`);
  ensure(type !== PALETTE_TYPE || palette, () => 'its palette is missing');

  const passes = (interlace === 1 ? ADAM7 : WHOLE).filter(({ x, y }) => x < width && y < height);
  const bits = channels * depth;
  const sizes = passes.map(({ x, y, dx, dy }) => ({
    columns: Math.ceil((width - x) / dx),
    rows: Math.ceil((height - y) / dy),
  }));
  const expected = sizes.reduce((sum, { columns, rows }) => sum + rows * (1 + Math.ceil((columns * bits) / 8)), 0);
  const lines = inflated(data, expected);
  const samples = depth === 16 ? new Uint16Array(width * height * channels) : new Uint8Array(width * height * channels);
  let at = 0;
  passes.forEach((pass, i) => {
    const { columns, rows } = sizes[i];
    const stride = Math.ceil((columns * bits) / 8);
    unfilter(lines.subarray(at, (at += rows * (1 + stride))), rows, stride, Math.max(1, bits >> 3));
    for (let row = 0; row < rows; row++) {
      const line = lines.subarray(at - (rows - row) * (1 + stride) + 1, at - (rows - row - 1) * (1 + stride));
      const first = (pass.y + row * pass.dy) * width + pass.x;
      for (let column = 0; column < columns; column++)
        for (let c = 0; c < channels; c++)
          samples[(first + column * pass.dx) * channels + c] = sampleAt(line, column * channels + c, depth);
    }
  });
  return { height, width, channels, depth: depth as PngSamples['depth'], samples, palette };
}

/** The header, the palette and the compressed pixels. */
function chunks(bytes: Uint8Array): { header: Uint8Array; palette?: Uint8Array; data: Uint8Array[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let header: Uint8Array | undefined;
  let palette: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  for (let at = SIGNATURE.length; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IEND') break;
    ensure(content.length === length, () => 'it is truncated');
    if (type === 'IHDR' && length === 13) header = content;
    if (type === 'PLTE') palette = content;
    if (type === 'IDAT') data.push(content);
    at += 12 + length;
  }
  ensure(header, () => 'its header is missing');
  ensure(data.length > 0, () => 'it holds no pixels');
  return { header, palette, data };
}

/** The filtered lines. Never more memory than the header accounts for. */
function inflated(data: Uint8Array[], expected: number): Uint8Array {
  let lines: Buffer;
  try {
    lines = inflateSync(Buffer.concat(data), { maxOutputLength: expected });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    ensure(code !== 'ERR_BUFFER_TOO_LARGE', () => 'it holds more pixels than its header says');
    ensure(false, () => `its pixels are damaged (${(error as Error).message})`);
  }
  ensure(lines.length === expected, () => `its pixels are truncated (${lines.length} of ${expected} bytes)`);
  return lines;
}

/** Undoes the filter that each line begins with, in place; `step` is the distance to the pixel at the left in bytes. */
function unfilter(lines: Uint8Array, rows: number, stride: number, step: number): void {
  for (let row = 0; row < rows; row++) {
    const at = row * (stride + 1);
    const filter = lines[at];
    ensure(filter <= 4, () => `line ${row + 1} has the unknown filter ${filter}`);
    if (filter === 0) continue;
    for (let i = 1; i <= stride; i++) {
      const left = i > step ? lines[at + i - step] : 0;
      const up = row > 0 ? lines[at + i - stride - 1] : 0;
      const corner = row > 0 && i > step ? lines[at + i - stride - 1 - step] : 0;
      lines[at + i] +=
        filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
    }
  }
}

/** Whichever neighbour is nearest to left + up - corner. */
function paeth(left: number, up: number, corner: number): number {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function sampleAt(line: Uint8Array, i: number, depth: number): number {
  if (depth === 8) return line[i];
  if (depth === 16) return (line[2 * i] << 8) | line[2 * i + 1];
  const bit = i * depth;
  return (line[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}
