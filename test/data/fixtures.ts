/** Small data sets made on the spot, in the formats' real encodings. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import tar from 'tar-stream';
import type { LoaderOptions, Reader } from '../../src/data/index.js';
import { keyFrom, uniform } from '../../src/random/index.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
export const FASHION = join(root, 'assets/fashion-mnist');

/** A folder of the shared public data, or undefined where it is not at hand. */
export function sharedData(name: string): string | undefined {
  const path = join(root, '../shared/data', name);
  return existsSync(path) ? path : undefined;
}

/** Skips a test that needs public data which is not at hand. */
export function needsShared(name: string, context: TestContext): string {
  const path = sharedData(name);
  if (path === undefined) context.skip(`../shared/data/${name} is not at hand`);
  return path as string;
}

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A new folder holding the given files; it goes when the tests end. */
export async function folderOf(files: Record<string, Uint8Array | string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hiperceiver-data-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** Pixels without any regularity, `[height, width, channels]`. */
export function noise(seed: number, height: number, width: number, channels: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(uniform(keyFrom(seed), height * width * channels), (x) => Math.floor(x * 256));
}

/** A smooth picture (JPEG keeps it nearly), `[height, width, 3]`. */
export function smooth(seed: number, height: number, width: number): Uint8Array<ArrayBuffer> {
  const [a, b, c] = uniform(keyFrom(seed), 3);
  const data = new Uint8Array(height * width * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data[at++] = 255 * ((x / width + a) / 2);
      data[at++] = 255 * ((y / height + b) / 2);
      data[at++] = 255 * (((x + y) / (width + height) + c) / 2);
    }
  }
  return data;
}

/** A picture as a file in one of sharp's formats. */
export function encoded(
  data: Uint8Array,
  height: number,
  width: number,
  format: 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif' = 'png',
): Promise<Buffer> {
  const channels = (data.length / (height * width)) as 1 | 3 | 4;
  return sharp(data, { raw: { height, width, channels } }).toFormat(format).toBuffer();
}

export function picture(seed: number, height = 8, width = 8, format: 'png' | 'jpeg' = 'png'): Promise<Buffer> {
  return encoded(smooth(seed, height, width), height, width, format);
}

export async function tarOf(files: Record<string, Uint8Array>): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, content] of Object.entries(files)) pack.entry({ name }, Buffer.from(content));
  pack.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of pack) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

export function idx(shape: number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length);
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, data]);
}

export const gzip = (data: Uint8Array): Buffer => gzipSync(data);

type Image = Extract<Reader, { kind: 'image' }>;

/** Options that show the pixels as they are, bar what a test overrides: of the loader, or of the reader. */
export function plainOptions(
  size: [number, number],
  channels: number,
  more: Partial<Omit<LoaderOptions, 'reader'> & Omit<Image, 'kind'>> = {},
): LoaderOptions & { reader: Image } {
  const { batchSize = 4, key = keyFrom(7), shuffle = false, dropLast, workers, prefetch, startStep, ...view } = more;
  const reader = {
    kind: 'image',
    imageSize: size,
    channels,
    crop: 'none',
    flip: false,
    mean: [0],
    std: [1],
    ...view,
  } as const;
  return { batchSize, key, shuffle, dropLast, workers, prefetch, startStep, reader };
}
