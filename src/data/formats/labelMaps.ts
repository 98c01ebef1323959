/** Images with a label map each, in the layouts of PASCAL VOC, CamVid (SegNet) and plain pairs of folders. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLines } from '../bytes.js';
import { COLOR_FILES, type ColorList, decodeLabelMap, parseColorList } from '../labelMaps/index.js';
import { canonicalSplit } from '../splits.js';
import type { FoundExamples, Location, SplitExamples } from './format.js';
import { endingsOf } from './kindOf.js';
import { highestId } from './labelIds.js';
import { listFiles } from './listing.js';

/** Folders of images and of label maps that belong together. */
const PAIRS: [images: string, labels: string][] = [
  ['JPEGImages', 'SegmentationClass'],
  ['images', 'labels'],
  ['images', 'masks'],
  ['images', 'annotations'],
  ['image', 'label'],
  ['img', 'mask'],
];
const MAP = /\.(png|npy|tiff?)$/i;
/** Void by custom. */
const VOID = [255];

/** One split: paths below the folder. */
interface Paired {
  images: string[];
  labels: string[];
  /** Images without a label map. */
  alone: number;
}

/** Takes a folder with label maps beside its images. */
export async function detectLabelMaps(location: Location): Promise<FoundExamples | undefined> {
  if (location.file !== undefined) return undefined;
  const splits = (await annotatedFolders(location)) ?? (await folderPairs(location));
  if (!splits || [...splits.values()].every(({ images }) => images.length === 0)) return undefined;
  return {
    splits: [...splits.keys()].filter((split) => split !== ''),
    read: (split) => readSplit(location, splits, split ?? ''),
  };
}

/** `train/` with `trainannot/` and so on (SegNet's CamVid), also `train_labels/`. */
async function annotatedFolders({ folder }: Location): Promise<Map<string, Paired> | undefined> {
  const folders = (await readdir(folder, { withFileTypes: true })).filter((e) => e.isDirectory()).map((e) => e.name);
  const splits = new Map<string, Paired>();
  for (const name of folders) {
    const split = canonicalSplit(name);
    const labels = [`${name}annot`, `${name}_labels`, `${name}_masks`].find((own) => folders.includes(own));
    if (split && labels) splits.set(split, await paired(folder, name, labels));
  }
  return splits.size > 0 ? splits : undefined;
}

/** Two folders side by side, with folders of splits in both, or lists of names in `ImageSets/Segmentation`, or neither. */
async function folderPairs({ folder }: Location): Promise<Map<string, Paired> | undefined> {
  const pair = PAIRS.find(([a, b]) => existsSync(join(folder, a)) && existsSync(join(folder, b)));
  if (!pair) return undefined;
  const all = await paired(folder, ...pair);
  const lists = join(folder, 'ImageSets', 'Segmentation');
  const splits = new Map<string, Paired>();
  for (const file of await readdir(lists).catch(() => [] as string[])) {
    const split = canonicalSplit(file.replace(/\.txt$/, ''));
    if (split) splits.set(split, only(all, listed((await readLines(join(lists, file))) ?? [])));
  }
  const below = (path: string) => canonicalSplit(path.split('/')[1] ?? '');
  for (const path of all.images) {
    const split = below(path);
    if (split && !splits.has(split))
      splits.set(
        split,
        only(all, (image) => below(image) === split),
      );
  }
  return splits.size > 0 ? splits : new Map([['', all]]);
}

function listed(names: string[]): (image: string) => boolean {
  const wanted = new Set(names.map((name) => name.trim()));
  return (image) => wanted.has(stem(image));
}

function only({ images, labels, alone }: Paired, keep: (image: string) => boolean): Paired {
  const rows = Array.from(images.keys()).filter((i) => keep(images[i]));
  return { images: rows.map((i) => images[i]), labels: rows.map((i) => labels[i]), alone };
}

/** Every image of a folder whose label map, of the same name but for its ending, lies in the other. */
async function paired(root: string, images: string, labels: string): Promise<Paired> {
  const maps = new Map(
    (await listFiles(join(root, labels), MAP)).map((path) => [withoutEnding(path), `${labels}/${path}`] as const),
  );
  const found: Paired = { images: [], labels: [], alone: 0 };
  for (const path of await listFiles(join(root, images), endingsOf('segmentation'))) {
    const own = withoutEnding(path);
    const map = maps.get(own) ?? ['_L', '_mask', '_label'].map((tail) => maps.get(own + tail)).find((m) => m);
    if (!map) found.alone++;
    else {
      found.images.push(`${images}/${path}`);
      found.labels.push(map);
    }
  }
  return found;
}

function withoutEnding(path: string): string {
  return path.replace(/\.[^./]*$/, '');
}

function stem(path: string): string {
  return withoutEnding(path.slice(path.lastIndexOf('/') + 1));
}

async function readSplit(
  { folder, ignore = VOID }: Location,
  splits: Map<string, Paired>,
  split: string,
): Promise<SplitExamples> {
  const { images, labels, alone } = splits.get(split) ?? [...splits.values()][0];
  const colors = await colorList(folder);
  const all = [...splits.values()].flatMap((own) => own.labels);
  const mapOf = async (i: number) => (await decodeLabelMap(await readFile(join(folder, all[i])))).ids;
  const highest = colors ? colors.colors.length - 1 : await highestId(folder, all.length, mapOf, ignore);
  const names = colors?.names ?? (await readLines(join(folder, 'classes.txt')));
  const ids = Array.from({ length: highest + 1 }, (_, i) => i).filter((id) => !ignore.includes(id));
  return {
    source: {
      kind: 'parts',
      parts: {
        image: { kind: 'files', root: folder, files: images },
        labels: { kind: 'files', root: folder, files: labels },
      },
    },
    classes: ids.map((id) => names?.[id] ?? String(id)),
    dense: { colors: colors?.colors, ids, ignore },
    remarks: alone > 0 ? [`${alone} images without a label map were left out.`] : [],
  };
}

/** Colours and names of the classes, where a list lies in the folder. */
async function colorList(folder: string): Promise<ColorList | undefined> {
  const file = (await readdir(folder)).find((name) => COLOR_FILES.includes(name.toLowerCase()));
  if (file === undefined) return undefined;
  return parseColorList(await readFile(join(folder, file), 'utf8'), join(folder, file));
}
