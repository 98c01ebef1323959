/** Image files below a folder. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { naturalOrder } from './format.js';

const IMAGE = /\.(jpe?g|png|webp|gif|tiff?|avif|bmp)$/i;
/** Far deeper than any public layout; ends the walk where links form a ring. */
const DEEPEST = 8;

/** Whether a path names an image file that counts: a known ending, no hidden or archiver's folder on the way. */
export function isImageName(path: string): boolean {
  return IMAGE.test(path) && !path.split('/').some(isHidden);
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}

/** Paths of all image files below `root`, with `/` between folders, each folder in natural order. Links are followed. */
export async function listImages(root: string, below = '', depth = 0): Promise<string[]> {
  if (depth > DEEPEST) return [];
  const entries = await readdir(join(root, below), { withFileTypes: true });
  entries.sort((a, b) => naturalOrder(a.name, b.name));
  const found: string[] = [];
  for (const entry of entries) {
    if (isHidden(entry.name)) continue;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const kind = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => undefined) : entry;
    if (kind?.isDirectory()) for (const file of await listImages(root, path, depth + 1)) found.push(file);
    else if (kind?.isFile() && IMAGE.test(entry.name)) found.push(path);
  }
  return found;
}
