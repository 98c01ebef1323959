/**
 * Folders of encoded files: class folders or flat, with or without `train/`, `test/`, `val/` above or below the classes, open
 * or as archives.
 */
import { join } from 'node:path';
import { ensure } from '../../errors/index.js';
import type { KindName } from '../kinds/index.js';
import { type EncodedSource, selectRows } from '../source.js';
import { canonicalSplit } from '../splits.js';
import { archiveStem, readArchive } from './archive.js';
import { type FoundExamples, type Location, naturalOrder, type SplitExamples } from './format.js';
import { endingsOf, nounOf } from './kindOf.js';
import { listFiles } from './listing.js';

/** Files of one split: `paths[i]` is the place of `source`'s example i below the split's top. */
interface Members {
  source: EncodedSource;
  paths: string[];
}

/** Reads a split's files; `namesOnly` spares the bytes where only the class names matter. */
type ReadMembers = (namesOnly: boolean) => Promise<Members>;

/** Takes a folder of files or archives, or one archive. */
export async function detectFolder(location: Location): Promise<FoundExamples | undefined> {
  if (location.file !== undefined) {
    return archiveStem(location.file) === undefined ? undefined : wholeArchive(location.path, location.kind);
  }
  const files = await listFiles(location.folder, endingsOf(location.kind));
  const archives = location.files.filter((name) => archiveStem(name) !== undefined);
  const splitArchives = archives.filter((name) => canonicalSplit(archiveStem(name) as string) !== undefined);
  if (files.length === 0 && splitArchives.length === 0) {
    return archives.length === 1 ? wholeArchive(join(location.folder, archives[0]), location.kind) : undefined;
  }
  const splits = openSplits(
    { source: { kind: 'files', root: location.folder, files }, paths: splitsFirst(withoutRoot(files)) },
    splitArchives.length > 0,
  );
  for (const name of splitArchives) {
    const split = canonicalSplit(archiveStem(name) as string) as string;
    // An unpacked folder beside its archive is the same data, and faster to reach.
    if (!splits.has(split))
      splits.set(split, (namesOnly) => splitArchive(join(location.folder, name), location.kind, split, namesOnly));
  }
  return found(splits);
}

async function wholeArchive(path: string, kind: KindName): Promise<FoundExamples | undefined> {
  const source = await readArchive(path, kind, true);
  ensure(
    source.files.length > 0,
    () => `"${path}" holds no ${nounOf(kind)}s: give an archive with files of a known ending.`,
  );
  return found(openSplits({ source, paths: withoutRoot(source.files) }, false));
}

async function splitArchive(path: string, kind: KindName, split: string, namesOnly: boolean): Promise<Members> {
  const source = await readArchive(path, kind, !namesOnly);
  const inside = source.files.every((file) => canonicalSplit(file.split('/')[0]) === split && file.includes('/'));
  return { source, paths: inside ? source.files.map(rest) : withoutRoot(source.files) };
}

/**
 * Divides files by their first folder where that names splits: all folders do, or `train` stands beside another one.
 * (A class may be called "train" too.) Otherwise all files are one set, under the name ''.
 */
function openSplits(members: Members, beside: boolean): Map<string, ReadMembers> {
  const folders = [...new Set(members.paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0]))];
  const names = new Set(folders.map(canonicalSplit).filter((split) => split !== undefined));
  const divided =
    folders.length > 0 && (folders.every((folder) => canonicalSplit(folder)) || (names.has('train') && names.size > 1));
  if (!divided && !(beside && names.size > 0)) {
    return beside || members.paths.length === 0 ? new Map() : new Map([['', async () => members]]);
  }
  const splits = new Map<string, ReadMembers>();
  for (const folder of folders) {
    const split = canonicalSplit(folder) ?? folder;
    const rows = Int32Array.from(members.paths.keys()).filter((i) => members.paths[i].startsWith(`${folder}/`));
    const part = { source: selectRows(members.source, rows), paths: Array.from(rows, (i) => rest(members.paths[i])) };
    if (!splits.has(split)) splits.set(split, async () => part);
  }
  return splits;
}

function found(splits: Map<string, ReadMembers>): FoundExamples {
  return {
    splits: [...splits.keys()].filter((split) => split !== ''),
    read: (split) => readSplit(splits, split ?? ''),
  };
}

async function readSplit(splits: Map<string, ReadMembers>, split: string): Promise<SplitExamples> {
  const { source, paths } = await (splits.get(split) as ReadMembers)(false);
  const names = new Set<string>(classNames(paths));
  for (const [other, read] of splits) {
    if (other === split || canonicalSplit(other) === undefined) continue;
    for (const name of classNames((await read(true)).paths)) names.add(name);
  }
  const classes = [...names].sort(naturalOrder);
  const own = classNames(paths);
  if (own.size === 0) return { source, classes, remarks: [] };

  const index = new Map(classes.map((name, i) => [name, i]));
  const rows = Int32Array.from(paths.keys()).filter((i) => paths[i].includes('/'));
  const labels = Int32Array.from(rows, (i) => index.get(paths[i].split('/')[0]) as number);
  const loose = paths.length - rows.length;
  const remarks =
    loose > 0
      ? [`${loose} file${loose > 1 ? 's' : ''} beside the class folders belong to no class and were left out.`]
      : [];
  return { source: loose > 0 ? selectRows(source, rows) : source, labels, classes, remarks };
}

/** `chair/train/x.npy` → `train/chair/x.npy` where every class folder is divided into splits (ModelNet's layout). */
function splitsFirst(paths: string[]): string[] {
  const parts = paths.map((path) => path.split('/'));
  const divided = parts.every((part) => part.length > 2 && canonicalSplit(part[1]) && !canonicalSplit(part[0]));
  return divided ? parts.map(([label, split, ...file]) => [split, label, ...file].join('/')) : paths;
}

function classNames(paths: string[]): Set<string> {
  return new Set(paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0]));
}

/** Drops one folder that holds everything (`cifar10/train/…`), unless it is itself a split or the only class. */
function withoutRoot(paths: string[]): string[] {
  const roots = new Set(paths.map((path) => (path.includes('/') ? path.split('/')[0] : '')));
  const [root] = roots;
  if (roots.size !== 1 || root === '' || canonicalSplit(root) !== undefined) return paths;
  const stripped = paths.map(rest);
  const next = classNames(stripped);
  return next.size > 1 || [...next].some((name) => canonicalSplit(name) !== undefined) ? withoutRoot(stripped) : paths;
}

function rest(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}
