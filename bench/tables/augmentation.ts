import { createLoader, type Dataset, type ImageAugmentation, openImages, type Reader } from '../../src/data/index.js';
import { keyFrom } from '../../src/random/index.js';
import { defineBenchmark } from '../benchmark.js';
import { inTurn } from '../measure.js';
import { withPhotographs } from '../photographs.js';
import type { Result } from '../report.js';

const PICTURES = 64;
/** Examples of one run, so that each takes a few tenths of a second. */
const SMALL = { side: 32, examples: 1024 };
const LARGE = { side: 224, examples: 64 };
const BATCH = 32;

const sides: Record<string, ImageAugmentation | undefined> = {
  'crop and flip': undefined,
  'colour jitter 0.4': { colorJitter: [0.4, 0.4, 0.4, 0] },
  '… with hue 0.2': { colorJitter: [0.4, 0.4, 0.4, 0.2] },
  'RandAugment 9, 2 layers': { randAugment: { magnitude: 9, layers: 2 } },
  'erase 0.25': { erase: { probability: 0.25, fill: 'noise' } },
};

/** `bench augmentation` */
export const command = defineBenchmark({
  name: 'augmentation',
  summary: 'What augmentation costs: processor time of an image, small ones and photographs',
  description:
    'Reads training batches on the calling thread: JPEG files of 500x375 as random resized crops of 224x224, and, where ' +
    '--data names them, small stored images with pad-and-crop, both mirrored; then with each augmentation beside that.',
  options: {
    data: { type: 'string', placeholder: 'DIR', help: 'small images, such as CIFAR-10, to be read at 32x32 as well' },
  },
  examples: ['', '--data ../shared/data/cifar10', '--quick'],
  rounds: { full: 8, quick: 2 },
  async measure({ data, rounds }, around) {
    const result: Result = { tables: [], checks: [], notes: [], data: {} };
    const add = async (title: string, dataset: Dataset, size: typeof SMALL, crop: 'random' | 'randomResized') => {
      around.note(title);
      const times = await inTurn(
        Object.entries(sides).map(([name, augment]) => ({
          name,
          run: async () => ({
            reading: await millisecondsOf(dataset, readerOf(size.side, crop, augment), size.examples),
          }),
        })),
        { rounds, warmUps: 1 },
      );
      const plain = times['crop and flip'].reading.best;
      result.tables.push({
        title,
        columns: ['augmentation', 'images/s', 'ms an image', 'added'],
        rows: Object.entries(times).map(([name, { reading }]) => [
          name,
          Math.round((1000 * size.examples) / reading.best),
          (reading.best / size.examples).toFixed(3),
          ((reading.best - plain) / size.examples).toFixed(3),
        ]),
      });
      (result.data as Record<string, unknown>)[title] = times;
    };
    if (data) await add('Small images, 32x32', await openImages(data), SMALL, 'random');
    await withPhotographs(PICTURES, async (folder) => {
      await add('Photographs, 224x224', await openImages(folder), LARGE, 'randomResized');
    });
    result.notes.push(
      `Processor time, the best of ${rounds} rounds in turn, since what else the machine does only adds to it; images/s are what one thread that has a core to itself would read.`,
    );
    return result;
  },
});

function readerOf(side: number, crop: 'random' | 'randomResized', augment?: ImageAugmentation): Reader {
  const size = { imageSize: [side, side], channels: 3 } as const;
  return { kind: 'image', ...size, crop, flip: true, mean: [0.5], std: [0.25], augment };
}

/** Milliseconds of processor time, of all threads of this process, in which `count` examples are read. */
async function millisecondsOf(dataset: Dataset, reader: Reader, count: number): Promise<number> {
  const options = { reader, batchSize: BATCH, shuffle: true, workers: 0, prefetch: 1, key: keyFrom(0) };
  const loader = createLoader(dataset, options);
  const began = process.cpuUsage();
  for (let done = 0; done < count; done += BATCH) await loader.next();
  const { user, system } = process.cpuUsage(began);
  await loader.close();
  return (user + system) / 1000;
}
