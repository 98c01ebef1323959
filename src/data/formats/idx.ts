/** idx files as of MNIST and Fashion-MNIST: `train-images-idx3-ubyte[.gz]` with `train-labels-idx1-ubyte[.gz]`. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensure } from '../../errors/index.js';
import { readBytes } from '../bytes.js';
import { canonicalSplit } from '../splits.js';
import type { FoundExamples, Location } from './format.js';
import { foundPairs, type Pair } from './pairs.js';

const IMAGES = /^(?:(.*)[-_.])?images[-_.]idx([34])[-_.]ubyte(\.gz)?$/i;
const UBYTE = 0x08;

/** Finds idx image files in a folder (or its `raw/`, as torchvision stores them), or takes one such file. */
export async function detectIdx(location: Location): Promise<FoundExamples | undefined> {
  const raw = join(location.folder, 'raw');
  const nested = location.file === undefined && existsSync(raw) ? await readdir(raw) : [];
  const found = new Map<string, Pair>();
  for (const [folder, names] of [
    [location.folder, location.files],
    [raw, nested],
  ] as const) {
    for (const name of names) {
      const match = IMAGES.exec(name);
      if (!match) continue;
      const split = location.file === undefined ? splitOf(match[1] ?? '') : '';
      if (!found.has(split)) found.set(split, { images: join(folder, name), labels: labelFile(folder, name) });
    }
  }
  return foundPairs(found, {
    images: (path) => readIdx(path, [3, 4]),
    labels: async (path) => Int32Array.from((await readIdx(path, [1])).data),
  });
}

/** The split that a prefix such as `train`, `t10k` or `emnist-letters-test` names; '' for none. */
function splitOf(prefix: string): string {
  for (const word of prefix.split(/[-_.]/).reverse()) {
    const split = canonicalSplit(word);
    if (split !== undefined) return split;
  }
  return prefix;
}

function labelFile(folder: string, images: string): string | undefined {
  const base = images.replace(/images([-_.])idx[34]/i, 'labels$1idx1').replace(/\.gz$/i, '');
  return [base, `${base}.gz`].map((name) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * An idx file of unsigned bytes: two zero bytes, the element type, the number of dimensions, the sizes (big-endian), the data.
 * @throws HiperceiverError where the file is something else or shorter or longer than its header says.
 */
async function readIdx(path: string, dimensions: number[]): Promise<{ sizes: number[]; data: Uint8Array }> {
  const bytes = await readBytes(path);
  ensure(
    bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0,
    () => `"${path}" is not an idx file: its first two bytes are not zero; replace or remove it.`,
  );
  ensure(
    bytes[2] === UBYTE && dimensions.includes(bytes[3]),
    () =>
      `"${path}" is an idx file of type 0x${bytes[2].toString(16)} with ${bytes[3]} dimensions, where unsigned bytes with ${dimensions.join(' or ')} are read: convert it, or save it as npy.`,
  );
  const start = 4 + 4 * bytes[3];
  ensure(bytes.length >= start, () => `"${path}" is truncated inside its idx header: replace it by an intact copy.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const sizes = Array.from({ length: bytes[3] }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = sizes.reduce((product, size) => product * size, 1);
  ensure(expected > 0, () => `"${path}" is an idx file of the empty shape [${sizes}]: replace or remove it.`);
  ensure(
    bytes.length - start === expected,
    () =>
      `"${path}" holds ${bytes.length - start} bytes of data where its shape [${sizes}] needs ${expected}: ` +
      `the file is ${bytes.length - start < expected ? 'truncated' : 'too long'}, so replace it by an intact copy.`,
  );
  return { sizes, data: bytes.subarray(start) };
}
