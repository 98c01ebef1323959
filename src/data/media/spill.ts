/** Bytes in memory as a file, for the moment in which a library opens it by name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Gives `open` the path of a file that holds `bytes` and that nobody else can read. Its name is gone when `open` is
 * back, so that a worker stopped in the middle of a file leaves nothing behind; what is open stays readable.
 * @returns what to call when the file has been closed: systems that keep the names of open files remove it then
 */
export function spill(bytes: Uint8Array, open: (path: string) => void): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'hiperceiver-media-'));
  const path = join(folder, 'media');
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(path, bytes);
    open(path);
  } catch (error) {
    remove();
    throw error;
  }
  try {
    remove();
    return () => {};
  } catch {
    return remove;
  }
}
