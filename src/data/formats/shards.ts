/** Sharded tar files in WebDataset's layout: `train-000000.tar`, …, each sample's parts side by side. */
import { stat } from 'node:fs/promises';
import { HiperceiverError } from '../../errors/index.js';
import { type KindName, kindOf, kinds } from '../kinds/index.js';
import { decodeLabelMap } from '../labelMaps/index.js';
import {
  openShards,
  readCard,
  readMember,
  rowsWith,
  type ShardIndex,
  selectSamples,
  shardLabels,
  shardPaths,
  shardSplits,
} from '../shards/index.js';
import type { DenseLabels, FoundExamples, Location, SplitExamples } from './format.js';
import { nounOf } from './kindOf.js';
import { highestId } from './labelIds.js';

/** Takes a folder of numbered tars, one such tar, or a pattern such as `train-{000..099}.tar`. */
export async function detectShards(location: Location): Promise<FoundExamples | undefined> {
  const splits = await splitsAt(location);
  if (splits.size === 0) return undefined;
  return {
    splits: [...splits.keys()].filter((split) => split !== ''),
    read: (split) => readSplit(location, splits.get(split ?? '') ?? [...splits.values()][0]),
  };
}

/** The kind of signal that shards hold: as their card says, or by the parts of the first shard. Undefined where none are here. */
export async function shardKind(place: Pick<Location, 'path' | 'folder' | 'file'>): Promise<KindName | undefined> {
  const splits = await splitsAt(place);
  if (splits.size === 0) return undefined;
  const named = (await readCard(place.folder))?.kind;
  if (named !== undefined && Object.hasOwn(kinds, named)) return named as KindName;
  const [[first]] = splits.values();
  const index = await openShards(first);
  const candidates: KindName[] = ['segmentation', 'image', 'audio', 'video', 'points', 'bands'];
  return candidates.find((kind) => Object.values(partsOf(index, kind)).every((extensions) => extensions.length > 0));
}

/** Paths of shards by split. */
async function splitsAt({
  path,
  folder,
  file,
}: Pick<Location, 'path' | 'folder' | 'file'>): Promise<Map<string, string[]>> {
  if (file === undefined) return shardSplits(folder);
  const pattern = file.includes('{') && !(await stat(path).catch(() => undefined));
  if (!pattern && !/\d\.tar$/i.test(file)) return new Map();
  return new Map([['', await shardPaths(path)]]);
}

async function readSplit({ kind, label, ignore }: Location, paths: string[]): Promise<SplitExamples> {
  const all = await openShards(paths);
  const parts = partsOf(all, kind);
  const [missing] = Object.entries(parts).find(([, extensions]) => extensions.length === 0) ?? [];
  if (missing !== undefined)
    throw new HiperceiverError(
      `"${paths[0]}" holds no ${missing} of ${nounOf(kind)}s (parts: ${Object.keys(all.parts).join(', ')}): choose another --data.kind.`,
    );
  const complete = rowsWith(all, ...Object.values(parts));
  const index = complete.length < all.size ? selectSamples(all, complete) : all;
  const remarks = [...all.remarks];
  if (index.size < all.size) remarks.push(`${all.size - index.size} samples lack a part and were left out.`);
  const source = { kind: 'shards' as const, index, parts };
  if (kind === 'segmentation') return { source, remarks, ...(await denseLabels(index, parts.labels, ignore)) };
  const labels = await shardLabels(index, { field: label });
  if (!labels) return { source, classes: [], remarks };
  const { classes, tags } = labels;
  if (tags) return { source, classes, tags, remarks: [...remarks, ...labels.remarks] };
  const named = Int32Array.from((labels.labels as Int32Array).keys()).filter((i) => labels.labels?.[i] !== -1);
  return {
    source: { ...source, index: named.length < index.size ? selectSamples(index, named) : index },
    labels: Int32Array.from(named, (i) => labels.labels?.[i] as number),
    classes,
    remarks: [...remarks, ...labels.remarks],
  };
}

/** For each part of a kind: the extensions that it goes by in the shards. Further parts begin with their name: `labels.png`. */
function partsOf({ parts }: ShardIndex, kind: KindName): Record<string, string[]> {
  const extensions = Object.keys(parts);
  return Object.fromEntries(
    Object.entries(kindOf({ kind }).parts).map(([name, endings], i) => [
      name,
      extensions.filter((extension) => {
        const [stem] = extension.split('.');
        const belongs = i === 0 ? !extension.includes('.') : extension.includes('.') && ALIASES[name]?.includes(stem);
        return belongs && endings.test(`.${extension}`);
      }),
    ]),
  );
}

/** What a label map's part may be called before its ending. */
const ALIASES: Record<string, string[]> = { labels: ['labels', 'label', 'seg', 'mask'] };

async function denseLabels(
  index: ShardIndex,
  part: string[],
  ignore: readonly number[] = [255],
): Promise<{ classes: string[]; dense: DenseLabels }> {
  const read = async (row: number) => (await decodeLabelMap(await readMember(index, part, row))).ids;
  const highest = await highestId(index.shards[0], index.size, read, ignore);
  const ids = Array.from({ length: highest + 1 }, (_, i) => i).filter((id) => !ignore.includes(id));
  return { classes: ids.map(String), dense: { ids, ignore } };
}
