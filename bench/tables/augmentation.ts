import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage, drawView, type ImageAugmentation, type RawImage, transformImage } from '../../src/data/index.js';
import { fold, keyFrom } from '../../src/random/index.js';
import { defineBenchmark } from '../benchmark.js';
import { inTurn } from '../measure.js';
import { withPhotographs } from '../photographs.js';
import type { Result } from '../report.js';

const PICTURES = 16;
/** Sides, and how often all pictures are transformed in one run: a few hundredths of a second. */
const SIZES = [
  { side: 32, passes: 16 },
  { side: 224, passes: 1 },
];
const DECODING = 'reading a JPEG file, random resized crop';
const PLAIN = 'crop and flip';

const sides: Record<string, ImageAugmentation | undefined> = {
  [PLAIN]: undefined,
  'colour jitter 0.4': { colorJitter: [0.4, 0.4, 0.4, 0] },
  'colour jitter 0.8, hue 0.2': { colorJitter: [0.8, 0.8, 0.8, 0.2] },
  'RandAugment 9, 2 layers': { randAugment: { magnitude: 9, layers: 2 } },
  'erase 0.25': { erase: { probability: 0.25, fill: 'noise' } },
};

/** `bench augmentation` */
export const command = defineBenchmark({
  name: 'augmentation',
  summary: 'What augmentation costs: processor time for each image, beside that of decoding a photograph',
  description:
    'Makes decoded images of 32x32 and 224x224 model inputs, mirrored and moved, then with each augmentation beside that; ' +
    'and decodes JPEG files of 500x375 to both sizes. In one thread, in processor time.',
  options: {},
  examples: ['', '--quick'],
  rounds: { full: 40, quick: 3 },
  async measure({ rounds }, around) {
    const result: Result = { tables: [], checks: [], notes: [], data: {} };
    await withPhotographs(PICTURES, async (folder) => {
      const files = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file))));
      for (const { side, passes } of SIZES) {
        around.note(`${side}x${side}`);
        const decode = (bytes: Uint8Array, i: number) =>
          decodeImage(bytes, [side, side], (height, width) =>
            drawView(keyFrom(i), height, width, { imageSize: [side, side], crop: 'randomResized', flip: true }),
          );
        const images = await Promise.all(files.map(decode));
        const decoding = async () => {
          for (const [i, bytes] of files.entries()) await decode(bytes, i);
        };
        const times = await inTurn(
          [
            { name: DECODING, run: async () => ({ image: (await processorTime(decoding)) / files.length }) },
            ...Object.entries(sides).map(([name, augment]) => ({
              name,
              run: async () => {
                const all = async () => transformAll(images, side, passes, augment);
                return { image: (await processorTime(all)) / (passes * images.length) };
              },
            })),
          ],
          { rounds, warmUps: 2 },
        );
        const plain = times[PLAIN].image.best;
        result.tables.push({
          title: `${side}x${side}`,
          columns: ['what', 'ms an image', 'beyond crop and flip'],
          rows: Object.entries(times).map(([name, { image }]) => [
            name,
            image.best.toFixed(3),
            name === DECODING ? undefined : (image.best - plain).toFixed(3),
          ]),
        });
        (result.data as Record<string, unknown>)[`${side}x${side}`] = times;
      }
    });
    result.notes.push(
      `Processor time, the best of ${rounds} rounds in turn: what else the machine does only adds to it.`,
    );
    return result;
  },
});

function transformAll(images: readonly RawImage[], side: number, passes: number, augment?: ImageAugmentation): void {
  const options = {
    imageSize: [side, side],
    channels: 3,
    crop: 'random',
    flip: true,
    mean: [0.5],
    std: [0.25],
  } as const;
  for (let pass = 0; pass < passes; pass++)
    for (const [i, image] of images.entries())
      transformImage(image, { ...options, augment }, fold(keyFrom(1), pass, i));
}

/** Milliseconds of processor time, of all threads of this process. */
async function processorTime(run: () => Promise<void>): Promise<number> {
  const began = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}
