/** PNG files made by hand: every colour type, depth, filter and interlacing. */
import { deflateSync } from 'node:zlib';

export interface PngParts {
  height: number;
  width: number;
  /** 0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha. */
  type: 0 | 2 | 3 | 4 | 6;
  depth: 1 | 2 | 4 | 8 | 16;
  /** `[height, width, channels]`. */
  samples: ArrayLike<number>;
  palette?: ArrayLike<number>;
  interlaced?: boolean;
  /** Filter of line y. Default none. */
  filter?: (y: number) => number;
}

const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

export function pngFile(parts: PngParts): Buffer {
  const { height, width, type, depth, palette, interlaced = false } = parts;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, type, 0, 0, interlaced ? 1 : 0], 8);
  const data = Buffer.concat((interlaced ? ADAM7 : [[0, 0, 1, 1]]).map((pass) => passLines(parts, pass)));
  const packed = deflateSync(data);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Buffer.from(Array.from(palette)))] : []),
    chunk('IDAT', packed.subarray(0, 10)),
    chunk('IDAT', packed.subarray(10)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function passLines(
  { height, width, type, depth, samples, filter = () => 0 }: PngParts,
  [x0, y0, dx, dy]: number[],
): Buffer {
  const channels = CHANNELS[type];
  if (x0 >= width || y0 >= height) return Buffer.alloc(0);
  const columns = Math.ceil((width - x0) / dx);
  const stride = Math.ceil((columns * channels * depth) / 8);
  const step = Math.max(1, (channels * depth) >> 3);
  const lines: Buffer[] = [];
  let before = Buffer.alloc(stride);
  for (let y = y0, row = 0; y < height; y += dy, row++) {
    const line = Buffer.alloc(stride);
    for (let i = 0; i < columns * channels; i++) {
      const value = samples[(y * width + x0 + Math.floor(i / channels) * dx) * channels + (i % channels)];
      if (depth === 16) line.writeUInt16BE(value, 2 * i);
      else line[(i * depth) >> 3] |= value << (8 - depth - ((i * depth) & 7));
    }
    const kind = filter(row);
    const filtered = Buffer.from(line);
    for (let i = 0; i < stride; i++) {
      const [a, b, c] = [line[i - step] ?? 0, before[i], before[i - step] ?? 0];
      const p = a + b - c;
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      filtered[i] = line[i] - [0, a, b, (a + b) >> 1, paeth][kind];
    }
    lines.push(Buffer.from([kind]), filtered);
    before = line;
  }
  return Buffer.concat(lines);
}

function chunk(type: string, content: Buffer): Buffer {
  const out = Buffer.alloc(content.length + 12);
  out.writeUInt32BE(content.length);
  out.write(type, 4, 'latin1');
  content.copy(out, 8);
  out.writeUInt32BE(checksum(out.subarray(4, -4)), content.length + 8);
  return out;
}

/** The CRC of PNG, bit by bit. */
function checksum(bytes: Buffer): number {
  let c = -1;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}
