/**
 * Files and folders that are either there and whole, or not there: written under a temporary name in the same folder,
 * synchronised to the disk, then renamed. A crash at any moment leaves what was saved before.
 */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { writeError } from './ioErrors.js';

/** Temporaries that this process is writing at the moment. */
const inProgress = new Set<string>();

/**
 * Writes a file atomically; the folder is made where it is missing.
 * @param content the bytes or text, or a function that writes them to the open temporary file.
 * @throws HiperceiverError that names the file; what stood at `path` before is then untouched.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | ((handle: FileHandle) => Promise<void>),
): Promise<void> {
  await viaTemporary(path, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      if (typeof content === 'function') await content(handle);
      else await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  });
}

/**
 * Makes a folder atomically, in place of one that may be there.
 * @param fill writes the files into the temporary folder that it is given.
 * @throws HiperceiverError that names the folder; what stood at `path` before is then untouched.
 */
export async function writeFolderAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  await viaTemporary(path, async (temporary) => {
    await mkdir(temporary);
    await fill(temporary);
    await syncTree(temporary);
    await putInPlace(temporary, path);
  });
}

/**
 * Where the folder `path` is: there, or under the name that it bears for the moment in which it is being replaced, should
 * the process have died in that very moment.
 */
export function standingFolder(path: string): string {
  return !existsSync(path) && existsSync(replacedName(path)) ? replacedName(path) : path;
}

/** The name under which `path` waits while its replacement takes its place. */
export function replacedName(path: string): string {
  return join(dirname(resolve(path)), `.${basename(resolve(path))}.replaced`);
}

/** Removes the temporaries in `folder` whose writers died before they could. */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const writer = /^\..+\.(\d+)-[0-9a-f]+\.tmp$/.exec(name)?.[1];
    const path = join(resolve(folder), name);
    if (writer && !inProgress.has(path) && !isOtherLivingProcess(Number(writer)))
      await rm(path, { recursive: true, force: true });
  }
}

/** Runs `write` with a fresh temporary name beside `path`, and leaves no temporary behind whatever happens. */
async function viaTemporary(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(resolve(path));
  const temporary = join(folder, `.${basename(resolve(path))}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  inProgress.add(temporary);
  try {
    await mkdir(folder, { recursive: true });
    await write(temporary);
    await syncFolder(folder);
  } catch (error) {
    // The first error is the one to report, also where the clean-up meets another.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw writeError(error, path);
  } finally {
    inProgress.delete(temporary);
  }
}

/** Two renames where something is in the way; {@link standingFolder} covers a crash between them. */
async function putInPlace(temporary: string, path: string): Promise<void> {
  const replaced = replacedName(path);
  if (existsSync(path)) {
    await rm(replaced, { recursive: true, force: true });
    await rename(path, replaced);
    try {
      await rename(temporary, path);
    } catch (error) {
      await rename(replaced, path);
      throw error;
    }
  } else {
    await rename(temporary, path);
  }
  await syncFolder(dirname(resolve(path)));
  await rm(replaced, { recursive: true, force: true });
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else await syncPath(path, 'r+');
  }
  await syncFolder(folder);
}

/** Makes the names in a folder durable. Windows cannot open folders, and needs it not. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform !== 'win32') await syncPath(folder, 'r');
}

async function syncPath(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isOtherLivingProcess(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user exists, though it may not be signalled.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
