import { deflateSync } from 'node:zlib';
import type { RgbImage } from './picture.js';

const SIGNATURE = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * PNG file of an 8-bit RGB image `[H, W, 3]`. Synchronous, because an SVG embeds its pictures as data addresses while
 * it is written; finished figures go through sharp.
 */
export function encodePng({ width, height, rgb }: RgbImage): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB, deflate, no filter choice, not interlaced
  const stride = width * 3;
  const lines = Buffer.alloc(height * (stride + 1)); // each line starts with its filter type, here always 0 (none)
  for (let y = 0; y < height; y++) lines.set(rgb.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** `data:` address of the image, for SVG and HTML. */
export function pngDataUri(image: RgbImage | Buffer): string {
  const png = Buffer.isBuffer(image) ? image : encodePng(image);
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** Length, type, data and checksum of type and data. */
function chunk(type: string, data: Buffer): Buffer {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let c = byte;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** The checksum of PNG and zip. Written here because `zlib.crc32` is younger than the oldest Node that we support. */
function crc32(bytes: Uint8Array): number {
  let c = -1;
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ -1) >>> 0;
}
