/** NumPy's `.npz` format: a zip archive of `.npy` files, stored (`numpy.savez`) or deflated (`numpy.savez_compressed`). */
import { unzipSync, type Zippable, zipSync } from 'fflate';
import { ensure } from '../errors/index.js';
import { formatNpy, type NpyArray, type NpyData, NpyUnreadable, parseNpy } from './npy.js';
import { printable } from './printable.js';

/** All arrays of one archive together hold no more bytes than this. */
const LARGEST = 2 ** 32;
/** Deflate cannot shrink data by more than this factor (RFC 1951); an archive that claims more lies about its sizes. */
const DEFLATE_LIMIT = 1033;
const MOST_MEMBERS = 65536;

/**
 * The arrays of an `.npz` archive by name (without `.npy`), in their stored order. Members that are no npy files, and
 * arrays of elements that are no numbers (text, objects), are left out.
 * @throws HiperceiverError for what is no archive, for sizes beyond 4 GiB or beyond what deflate can do, before memory is
 * touched; and for members that are damaged
 */
export function readNpz(bytes: Uint8Array, name = 'npz data'): Map<string, NpyArray> {
  const arrays = new Map<string, NpyArray>();
  for (const [member, content] of members(bytes, name)) {
    try {
      arrays.set(member, parseNpy(content, `${name}:${printable(member)}`));
    } catch (error) {
      if (!(error instanceof NpyUnreadable)) throw error;
    }
  }
  return arrays;
}

/** The bytes of an `.npz` archive of the given arrays, deflated unless `compress` is false. */
export function formatNpz(
  arrays: ReadonlyMap<string, { shape: readonly number[]; data: NpyData }>,
  { compress = true }: { compress?: boolean } = {},
): Uint8Array {
  const files: Zippable = {};
  // A fixed date: the same arrays make the same bytes.
  const options = { level: compress ? 6 : 0, mtime: '1980-01-01T00:00:00' } as const;
  for (const [member, array] of arrays) files[`${member}.npy`] = [formatNpy(array), options];
  return zipSync(files);
}

/** Names without `.npy`, and inflated contents. */
function members(bytes: Uint8Array, name: string): [string, Uint8Array][] {
  const sizes = new Map<string, number>();
  let total = 0;
  let count = 0;
  const refuse = (why: string) => `"${name}" ${why}: save it again with numpy.savez.`;
  let contents: Record<string, Uint8Array>;
  try {
    contents = unzipSync(unshared(bytes), {
      filter({ name: file, size, originalSize, compression }) {
        ensure(++count <= MOST_MEMBERS, () => refuse(`claims more than ${MOST_MEMBERS} members`));
        ensure(size <= bytes.length, () => refuse(`is truncated inside "${printable(file)}"`));
        if (!file.endsWith('.npy')) return false;
        ensure(
          compression === 0 || compression === 8,
          () =>
            `"${name}" packs "${printable(file)}" by zip method ${compression}: use numpy.savez_compressed, which deflates.`,
        );
        ensure(compression === 0 ? originalSize === size : originalSize <= size * DEFLATE_LIMIT + 64, () =>
          refuse(`claims that "${printable(file)}" inflates from ${size} to ${originalSize} bytes, which cannot be`),
        );
        total += originalSize;
        ensure(total <= LARGEST, () => `"${name}" holds more than 4 GiB of arrays: split it into several files.`);
        sizes.set(file, originalSize);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'HiperceiverError') throw error;
    ensure(false, () => refuse(`is no intact zip archive (${error instanceof Error ? error.message : error})`));
  }
  for (const [file, size] of sizes)
    ensure(contents[file].length === size, () => refuse(`is truncated inside "${printable(file)}"`));
  return Object.entries(contents).map(([file, content]) => [file.slice(0, -'.npy'.length), content]);
}

/** The archive's reader decodes names by a TextDecoder, which does not take shared memory. */
function unshared(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof SharedArrayBuffer ? bytes.slice() : bytes;
}
