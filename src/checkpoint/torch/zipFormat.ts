/** What `torch.save` writes since PyTorch 1.6: a zip archive with `data.pkl` and one entry `data/<key>` for each storage. */

import type { FileHandle } from 'node:fs/promises';
import { ensure } from '../../errors/index.js';
import { withFile } from '../fileBytes.js';
import { unpickle } from '../pickle/unpickle.js';
import { torchHost } from './callables.js';
import type { PickledStorage } from './pickledTensor.js';
import { checkStorage, LARGEST_PICKLE, naming, type TorchFile } from './torchFile.js';
import { readDirectory, readEntry, type ZipEntry } from './zipArchive.js';

const PICKLE = 'data.pkl';

/** Opens a zip archive of PyTorch. @throws HiperceiverError that names the file where it is another archive, damaged or hostile. */
export async function openZip(path: string, handle: FileHandle): Promise<TorchFile> {
  const { size: bytes } = await handle.stat();
  const entries = await readDirectory(path, handle, bytes);
  const pickle = [...entries.values()].find(({ name }) => /^([^/]+\/)?data\.pkl$/.test(name));
  ensure(
    pickle,
    () => `${path} is a zip archive without data.pkl, so none of PyTorch's: unpack it if the weights are in it.`,
  );
  const root = pickle.name.slice(0, -PICKLE.length);
  ensure(
    !entries.has(`${root}constants.pkl`),
    () => `${path} is a TorchScript program, not a file of weights: save its state_dict() with torch.save.`,
  );
  ensure(
    pickle.size <= LARGEST_PICKLE,
    () => `${path} has a data.pkl of ${pickle.size} bytes, which is no description of weights.`,
  );
  const source = await readEntry(path, handle, pickle);
  const storages: PickledStorage[] = [];
  const { value } = naming(path, () =>
    unpickle(
      source,
      torchHost((storage) => storages.push(storage)),
    ),
  );
  const entryOf = (key: string): ZipEntry | undefined => entries.get(`${root}data/${key}`);
  for (const storage of storages) checkStorage(path, storage, entryOf(storage.key)?.size);
  return {
    path,
    format: 'zip',
    value,
    bytes,
    bigEndian: await isBigEndian(path, handle, entries.get(`${root}byteorder`)),
    read: (key, begin, length) => withFile(path, (reopened) => readEntry(path, reopened, entryOf(key)!, begin, length)),
  };
}

/** Files without the entry are from before there was a choice, and were written little-endian. */
async function isBigEndian(path: string, handle: FileHandle, entry: ZipEntry | undefined): Promise<boolean> {
  if (!entry) return false;
  const order = entry.size < 16 ? new TextDecoder().decode(await readEntry(path, handle, entry)) : '';
  ensure(order === 'little' || order === 'big', () => `${path} is damaged: its byte order is neither little nor big.`);
  return order === 'big';
}
