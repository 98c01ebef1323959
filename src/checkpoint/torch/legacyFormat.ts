/**
 * What `torch.save` wrote before PyTorch 1.6: five pickles one after the other (magic number, version, system, value, keys
 * of the storages) and then each storage, in the order of the keys, as its element count and its bytes, little-endian.
 */

import type { FileHandle } from 'node:fs/promises';
import { ensure } from '../../errors/index.js';
import { readRange, withFile } from '../fileBytes.js';
import { PickleCutOff } from '../pickle/cursor.js';
import { unpickle } from '../pickle/unpickle.js';
import { torchHost } from './callables.js';
import { elementBytes, type PickledStorage } from './pickledTensor.js';
import { checkStorage, LARGEST_PICKLE, naming, type TorchFile } from './torchFile.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
/** Most files' pickles fit into so much; for others more is read. */
const FIRST_READ = 2 ** 20;
const COUNT_BYTES = 8;

/** Opens a file of the old format. @throws HiperceiverError that names the file where it is another pickle, damaged or hostile. */
export async function openLegacy(path: string, handle: FileHandle): Promise<TorchFile> {
  const { size: bytes } = await handle.stat();
  const head = await readHead(path, handle, bytes);
  const places = await locate(path, handle, bytes, head);
  for (const storage of head.storages) checkStorage(path, storage, places.get(storage.key)?.length);
  return {
    path,
    format: 'legacy',
    value: head.value,
    bytes,
    bigEndian: false,
    read: (key, begin, length) =>
      withFile(path, (reopened) => readRange(path, reopened, places.get(key)!.begin + begin, length)),
  };
}

interface Head {
  value: unknown;
  storages: PickledStorage[];
  /** Keys in the order in which the storages lie in the file. */
  keys: string[];
  /** Where the pickles end. */
  end: number;
}

/** The pickles. How long they are shows only when they are read, so more and more of the file is tried. */
async function readHead(path: string, handle: FileHandle, fileBytes: number): Promise<Head> {
  const most = Math.min(fileBytes, LARGEST_PICKLE);
  for (let length = Math.min(FIRST_READ, most); ; length = Math.min(4 * length, most)) {
    const bytes = await readRange(path, handle, 0, length);
    const head = naming(path, () => {
      try {
        return parseHead(path, bytes);
      } catch (error) {
        if (error instanceof PickleCutOff && length < most) return undefined;
        throw error;
      }
    });
    if (head) return head;
  }
}

function parseHead(path: string, bytes: Uint8Array): Head {
  let end = 0;
  const storages: PickledStorage[] = [];
  const next = () => {
    const read = unpickle(
      bytes,
      torchHost((storage) => storages.push(storage)),
      end,
    );
    end = read.end;
    return read.value;
  };
  ensure(
    next() === MAGIC,
    () => `${path} is a pickle, but none of PyTorch's: save the weights with torch.save or as safetensors.`,
  );
  const version = next();
  ensure(version === VERSION, () => `${path} is damaged: it is of no version of PyTorch's format that there was.`);
  next();
  const value = next();
  const keys = next();
  ensure(Array.isArray(keys), () => `${path} is damaged: it has no list of its storages.`);
  return { value, storages, keys: keys.map((key) => (typeof key === 'string' ? key : '')), end };
}

/** Where the bytes of each storage are. */
async function locate(
  path: string,
  handle: FileHandle,
  fileBytes: number,
  { storages, keys, end }: Head,
): Promise<Map<string, { begin: number; length: number }>> {
  const widths = new Map(storages.map(({ key, type }) => [key, type === undefined ? 1 : elementBytes(type)]));
  const places = new Map<string, { begin: number; length: number }>();
  let at = end;
  for (const key of keys) {
    const cut = () => `${path} is cut off or damaged: its storages do not fill its ${fileBytes} bytes.`;
    const width = widths.get(key);
    ensure(width !== undefined && !places.has(key) && at + COUNT_BYTES <= fileBytes, cut);
    const count = await readRange(path, handle, at, COUNT_BYTES);
    const length = Number(new DataView(count.buffer).getBigInt64(0, true)) * width;
    const begin = at + COUNT_BYTES;
    ensure(length >= 0 && begin + length <= fileBytes, cut);
    places.set(key, { begin, length });
    at = begin + length;
  }
  return places;
}
