/** A folder of JPEG files of a photograph's size and detail, for what decodes images. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { fold, keyFrom, uniform } from '../src/random/index.js';

/** Pixels of the pictures, as ImageNet's are on average. */
const [WIDTH, HEIGHT] = [500, 375];
const QUALITY = 85;

/** Uses a folder of so many pictures, and removes it afterwards. */
export async function withPhotographs<T>(count: number, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hip-bench-photographs-'));
  try {
    await mkdir(folder, { recursive: true });
    for (let i = 0; i < count; i++) await drawPhotograph(join(folder, `${String(i).padStart(4, '0')}.jpg`), i);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Soft blots of colour under fine grain: a JPEG of about 60 kB, as photographs of this size are. */
async function drawPhotograph(path: string, number: number): Promise<void> {
  const key = fold(keyFrom(11), 'photograph', number);
  const [columns, rows] = [16, 12];
  const blots = Uint8Array.from(uniform(fold(key, 'blots'), columns * rows * 3), (u) => 255 * u);
  const soft = await sharp(blots, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(WIDTH, HEIGHT, { kernel: 'cubic', fit: 'fill' })
    .raw()
    .toBuffer();
  const grain = uniform(fold(key, 'grain'), soft.length / 3);
  for (let i = 0; i < soft.length; i++)
    soft[i] = Math.max(0, Math.min(255, soft[i] + 30 * (grain[Math.floor(i / 3)] - 0.5)));
  await sharp(soft, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg({ quality: QUALITY })
    .toFile(path);
}
