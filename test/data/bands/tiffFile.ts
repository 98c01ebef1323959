/** TIFF files made by hand, for what no encoder at hand writes. */
import { deflateSync } from 'node:zlib';

export interface TiffPageParts {
  width: number;
  height: number;
  samples: number;
  /** 8, 16, 32 or 64. */
  bits: number;
  /** 1 unsigned, 2 signed, 3 float. */
  format?: number;
  /** Numbers `[H, W, samples]`. */
  values: ArrayLike<number>;
  compression?: 1 | 5 | 8 | 32773;
  predictor?: 1 | 2 | 3;
  planar?: boolean;
  /** Tiles of so many pixels each way; else strips of `rows`. */
  tile?: number;
  rows?: number;
  subfile?: number;
  noData?: string;
}

/** A TIFF file of the pages, little-endian unless `big`. */
export function tiffFile(pages: TiffPageParts[], big = false): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [Buffer.alloc(8)];
  let length = 8;
  const append = (bytes: Buffer): number => {
    const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
    parts.push(padded);
    length += padded.length;
    return length - padded.length;
  };
  const u16 = (x: number) => {
    const b = Buffer.alloc(2);
    big ? b.writeUInt16BE(x) : b.writeUInt16LE(x);
    return b;
  };
  const u32 = (x: number) => {
    const b = Buffer.alloc(4);
    big ? b.writeUInt32BE(x) : b.writeUInt32LE(x);
    return b;
  };
  let link: { part: Buffer; at: number } = { part: parts[0], at: 4 };
  parts[0].write(big ? 'MM' : 'II', 'latin1');
  u16(42).copy(parts[0], 2);

  for (const page of pages) {
    const { compression = 1, predictor = 1, planar = false, format = 1, tile, rows = page.height } = page;
    const [blockWidth, blockHeight] = tile ? [tile, tile] : [page.width, rows];
    const offsets: number[] = [];
    const counts: number[] = [];
    for (const plane of planar ? Array.from({ length: page.samples }, (_, s) => s) : [undefined])
      for (let top = 0; top < page.height; top += blockHeight)
        for (let left = 0; left < page.width; left += blockWidth) {
          const tall = tile ?? Math.min(blockHeight, page.height - top);
          const raw = block(page, { top, left, width: blockWidth, height: tall, plane, big, format, predictor });
          const packed = compress(raw, compression);
          offsets.push(append(packed));
          counts.push(packed.length);
        }
    const tags: [number, number, number[] | string][] = [
      [254, 4, [page.subfile ?? 0]],
      [256, 4, [page.width]],
      [257, 4, [page.height]],
      [258, 3, new Array(page.samples).fill(page.bits)],
      [259, 3, [compression]],
      [262, 3, [1]],
      ...(tile ? [] : ([[273, 4, offsets]] as [number, number, number[]][])),
      [277, 3, [page.samples]],
      ...(tile
        ? []
        : ([
            [278, 4, [rows]],
            [279, 4, counts],
          ] as [number, number, number[]][])),
      [284, 3, [planar ? 2 : 1]],
      [317, 3, [predictor]],
      ...(tile
        ? ([
            [322, 4, [tile]],
            [323, 4, [tile]],
            [324, 4, offsets],
            [325, 4, counts],
          ] as [number, number, number[]][])
        : []),
      [339, 3, new Array(page.samples).fill(format)],
      ...(page.noData === undefined ? [] : ([[42113, 2, `${page.noData}\0`]] as [number, number, string][])),
    ];
    const entries = tags.map(([tag, type, value]) => {
      const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.concat(value.map(type === 3 ? u16 : u32));
      const place = bytes.length <= 4 ? Buffer.concat([bytes, Buffer.alloc(4 - bytes.length)]) : u32(append(bytes));
      return Buffer.concat([u16(tag), u16(type), u32(value.length), place]);
    });
    const directory = Buffer.concat([u16(tags.length), ...entries, u32(0)]);
    u32(append(directory)).copy(link.part, link.at);
    link = { part: parts[parts.length - 1], at: directory.length - 4 };
  }
  return Uint8Array.from(Buffer.concat(parts));
}

interface BlockPlace {
  top: number;
  left: number;
  width: number;
  height: number;
  plane?: number;
  big: boolean;
  format: number;
  predictor: number;
}

function block(page: TiffPageParts, { top, left, width, height, plane, big, format, predictor }: BlockPlace): Buffer {
  const samples = plane === undefined ? page.samples : 1;
  const bytes = page.bits / 8;
  const out = Buffer.alloc(width * height * samples * bytes);
  const view = new DataView(out.buffer, out.byteOffset, out.length);
  const at = (y: number, x: number, s: number) =>
    y < page.height && x < page.width ? page.values[(y * page.width + x) * page.samples + (plane ?? s)] : 0;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let s = 0; s < samples; s++, to += bytes) {
        const before = predictor === 2 && x > 0 ? at(top + y, left + x - 1, s) : 0;
        const value = at(top + y, left + x, s) - before;
        if (format === 3 && bytes === 2) view.setUint16(to, value, !big);
        else if (format === 3) bytes === 4 ? view.setFloat32(to, value, !big) : view.setFloat64(to, value, !big);
        else if (bytes === 1) view.setUint8(to, value);
        else bytes === 2 ? view.setUint16(to, value, !big) : view.setUint32(to, value, !big);
      }
  return predictor === 3 ? splitFloats(out, width * samples, bytes, samples, big) : out;
}

/** Rows as differences of bytes, highest bytes first. */
function splitFloats(raw: Buffer, count: number, bytes: number, stride: number, big: boolean): Buffer {
  const out = Buffer.alloc(raw.length);
  const row = count * bytes;
  for (let start = 0; start < raw.length; start += row) {
    for (let i = 0; i < count; i++)
      for (let b = 0; b < bytes; b++) out[start + b * count + i] = raw[start + i * bytes + (big ? b : bytes - 1 - b)];
    for (let i = row - 1; i >= stride; i--) out[start + i] -= out[start + i - stride];
  }
  return out;
}

function compress(raw: Buffer, method: number): Buffer {
  if (method === 8) return deflateSync(raw);
  if (method === 5) return lzw(raw);
  return method === 32773 ? packBits(raw) : raw;
}

function packBits(raw: Buffer): Buffer {
  const out: number[] = [];
  for (let at = 0; at < raw.length; ) {
    let run = 1;
    while (run < 128 && raw[at + run] === raw[at] && at + run < raw.length) run++;
    if (run > 1) out.push(257 - run, raw[at]);
    else out.push(0, raw[at]);
    at += run;
  }
  return Buffer.from(out);
}

/** TIFF's LZW by a table of strings: slow and plain. */
function lzw(raw: Buffer): Buffer {
  const bits: number[] = [];
  let table = new Map<string, number>();
  let width = 9;
  const emit = (code: number) => {
    for (let b = width - 1; b >= 0; b--) bits.push((code >> b) & 1);
  };
  const reset = () => {
    table = new Map(Array.from({ length: 256 }, (_, i) => [String.fromCharCode(i), i]));
  };
  emit(256);
  reset();
  let next = 258;
  let held = '';
  for (const byte of raw) {
    const longer = held + String.fromCharCode(byte);
    if (table.has(longer)) {
      held = longer;
      continue;
    }
    emit(table.get(held)!);
    table.set(longer, next++);
    if (next === 512 || next === 1024 || next === 2048) width++;
    if (next === 4095) {
      emit(256);
      reset();
      [next, width] = [258, 9];
    }
    held = String.fromCharCode(byte);
  }
  if (held !== '') emit(table.get(held)!);
  emit(257);
  const out = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => {
    out[i >> 3] |= bit << (7 - (i & 7));
  });
  return out;
}
