import { availableParallelism } from 'node:os';
import { type Dataset, openData } from '../../data/index.js';
import { exampleStream, type SmallerOptions, type WrittenShards, writeShards } from '../../data/shards/index.js';
import { ensure } from '../../errors/index.js';
import { Progress } from '../../training/log/index.js';
import { defineCommand } from '../command.js';
import { describeSkipped } from '../describe/skipped.js';
import { untilInterrupted } from '../interrupt.js';
import { countOption } from '../modelOptions.js';
import { formatBytes } from '../quantities.js';
import { formatTable } from '../table.js';
import { UsageError } from '../usageError.js';

/** `hip prepare`: a slow data set as shards, once. */
export const command = defineCommand({
  name: 'prepare',
  summary: 'Turn a data set into shards that can be read fast, in any order, from anywhere',
  usage: 'DATA OUT [options]',
  description:
    'OUT receives plain tar files as WebDataset lays them out (000123_name.jpg, 000123_name.cls), classes.txt and ' +
    'dataset.json; give it as --data from then on. Files that cannot be read are left out, counted and listed. Ctrl-C ' +
    'leaves whole shards, and the same command goes on after them. The same data and options give the same bytes.',
  options: {
    split: { type: 'strings', help: 'splits, comma-separated (default: train, or all where none is stored)' },
    shardSize: { type: 'string', default: '512mb', placeholder: 'SIZE', help: 'largest size of a shard: 64mb, 2gb, …' },
    imageSize: {
      type: 'string',
      placeholder: 'SIZE',
      help: 'make larger images, label maps and video frames so small on their shorter side; or HEIGHT,WIDTH for all',
    },
    quality: {
      type: 'number',
      default: 90,
      help: 'JPEG quality of images that are made smaller, 1 to 99; 100: PNG, without loss',
    },
    frameRate: { type: 'number', help: 'frames per second that are kept of videos, each without further loss' },
    sampleRate: { type: 'number', help: 'samples per second of sounds, as WAV, and of the sound of videos' },
    shuffle: { type: 'boolean', help: 'write the examples in a random order, the same at each run' },
    workers: { type: 'number', help: 'files read and encoded side by side (default: one per core)' },
  },
  positionals: [
    { name: 'DATA', help: 'folder or file, in any layout that --data takes' },
    { name: 'OUT', help: 'folder of the shards' },
  ],
  examples: [
    'hip prepare photos shards/photos --image-size 256',
    'hip prepare cifar10 shards/cifar10 --split train,test --shuffle',
    'hip prepare recordings.tar.gz shards/recordings --shard-size 128mb --sample-rate 16000',
    'hip prepare clips shards/clips --split train,test --image-size 36,48 --frame-rate 8 --sample-rate 16000',
    'hip pretrain --data shards/photos',
  ],
  run: async ({ positionals: [data, out], options, quiet, output, program }) => {
    const settings = {
      smaller: {
        imageSize: parseImageSize(options.imageSize),
        quality: countOption('--quality', options.quality),
        frameRate: options.frameRate,
        sampleRate: countOption('--sample-rate', options.sampleRate),
      },
      shuffle: options.shuffle,
      workers: countOption('--workers', options.workers) ?? availableParallelism(),
      bytesPerShard: parseSize(options.shardSize),
    };
    const wishes = options.split.length > 0 ? options.split : [undefined];
    const done: { split: string; written: WrittenShards }[] = [];
    const { code } = await untilInterrupted(async (signal) => {
      for (const split of wishes) {
        if (signal.aborted) break;
        const dataset = await openData(data, { split });
        for (const remark of dataset.remarks) output.note(remark);
        const written = await prepare(dataset, out, settings, quiet, signal);
        done.push({ split: dataset.split, written });
        const [first] = written.skipped;
        ensure(
          written.samples > 0 || written.interrupted,
          () =>
            `None of ${dataset.size} files of "${data}" can be read (first: "${first.file}": ${first.reason}): check the files.`,
        );
      }
    });
    const results = done.map(({ split, written: { shards, ...rest } }) => ({ split, shards: shards.length, ...rest }));
    output.result({ out, splits: results }, () =>
      [
        ...done.flatMap(({ written }) => describeSkipped(written.skipped)),
        formatTable(
          results.map(({ split, shards, samples, bytes }) => [split, samples, shards, formatBytes(bytes)]),
          ['split', 'samples', 'shards', 'size'],
        ),
        ...(code !== 0
          ? [`Interrupted; whole shards are in ${out}, and the same command goes on after them.`]
          : ['', 'Next:', `  ${program} pretrain --data ${out}`]),
      ].join('\n'),
    );
    return code;
  },
});

interface Settings {
  smaller: SmallerOptions;
  shuffle: boolean;
  workers: number;
  bytesPerShard: number;
}

async function prepare(
  dataset: Dataset,
  out: string,
  { smaller, shuffle, workers, bytesPerShard }: Settings,
  quiet: boolean,
  signal: AbortSignal,
): Promise<WrittenShards> {
  let bar: Progress | undefined;
  let resumedAt = 0;
  try {
    return await writeShards(out, exampleStream(dataset, { ...smaller, shuffle, workers }), {
      prefix: dataset.split,
      bytesPerShard,
      kind: dataset.kind,
      classes: dataset.classes,
      // What the bytes depend on, bar the number of workers.
      settings: {
        data: dataset.path,
        examples: dataset.size,
        shuffle,
        ...settingsOf(smaller),
      },
      signal,
      onProgress: (examples) => {
        if (!bar) resumedAt = examples - 1;
        bar ??= new Progress({
          total: dataset.size,
          start: resumedAt,
          label: `prepare ${dataset.split}`,
          unit: 'examples',
          quiet,
        });
        bar.update(examples, { inputs: examples - resumedAt });
      },
    });
  } finally {
    bar?.finish();
  }
}

/** What was made smaller, as it is written down beside the shards. */
function settingsOf({ imageSize, quality, frameRate, sampleRate }: SmallerOptions): Record<string, string | number> {
  const size = typeof imageSize === 'object' ? imageSize.join(',') : imageSize;
  const given = { imageSize: size, quality: size === undefined ? undefined : quality, frameRate, sampleRate };
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}

/** `256`, or `36,48`. */
function parseImageSize(typed: string | undefined): SmallerOptions['imageSize'] {
  if (typed === undefined) return undefined;
  const sides = typed.split(',').map(Number);
  if (sides.length > 2 || !sides.every((side) => Number.isInteger(side) && side >= 1))
    throw new UsageError(
      `--image-size is a side such as 256, or a height and a width such as 36,48, and not "${typed}".`,
    );
  return sides.length === 1 ? sides[0] : [sides[0], sides[1]];
}

/** Bytes of `512mb`, `1.5 GB`, `64MiB` or a plain number. */
function parseSize(typed: string): number {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]i?b?|b)?\s*$/i.exec(typed) ?? [];
  const power = ' kmgt'.indexOf(unit.charAt(0).toLowerCase() || ' ');
  const bytes = Math.round(Number(number) * (unit.toLowerCase().includes('i') ? 1024 : 1000) ** Math.max(0, power));
  if (!(bytes >= 1)) throw new UsageError(`--shard-size is a size such as 512mb or 2gb, and not "${typed}".`);
  return bytes;
}
