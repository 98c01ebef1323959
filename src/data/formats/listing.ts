/** Files of a kind of signal below a folder. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { naturalOrder } from './format.js';

/** Far deeper than any public layout; ends the walk where links form a ring. */
const DEEPEST = 8;

/** Whether a path names a file that counts: one of the wanted endings, no hidden or archiver's folder on the way. */
export function isWanted(path: string, endings: RegExp): boolean {
  return endings.test(path) && !path.split('/').some(isHidden);
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}

/**
 * Paths of all files below `root` that end as wanted, with `/` between folders, each folder in natural order. Links are
 * followed.
 */
export async function listFiles(root: string, endings: RegExp, below = '', depth = 0): Promise<string[]> {
  if (depth > DEEPEST) return [];
  const entries = await readdir(join(root, below), { withFileTypes: true });
  entries.sort((a, b) => naturalOrder(a.name, b.name));
  const found: string[] = [];
  for (const entry of entries) {
    if (isHidden(entry.name)) continue;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const kind = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => undefined) : entry;
    if (kind?.isDirectory()) for (const file of await listFiles(root, endings, path, depth + 1)) found.push(file);
    else if (kind?.isFile() && endings.test(entry.name)) found.push(path);
  }
  return found;
}
