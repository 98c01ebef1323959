import { check } from '../../bench/report.js';
import { type Batch, createLoader, type Reader } from '../../src/data/index.js';
import { createEngine } from '../../src/engine/index.js';
import { keyFrom } from '../../src/random/index.js';
import { type LoadedModel, loadModel, openDataOf, reconstruct } from '../../src/tasks/index.js';
import { readerOf } from '../../src/training/index.js';
import { type Clip, type ClipShape, fitSoundOfFrames } from '../baselines/soundOfFrames.js';
import { type Row, rowCommands } from '../experiment.js';
import type { Prepared } from '../prepared.js';
import { interval } from '../statistics.js';
import { definePaperTable } from '../table.js';

const HIDDEN = 'audio';
const BATCH = 10;

const FACES: Prepared = {
  data: '../shared/data/grid',
  out: 'runs/paper/shards/faces',
  options: { 'image-size': '72', 'frame-rate': '12.5', 'sample-rate': '16000' },
};

/** The second run: all of the sound is hidden from all examples. */
const SOUND_HIDDEN = { 'masking.ratio.audio': '1', 'masking.dropModality': '0', 'training.steps': '8000' };

/** Windows of each clip that are scored. */
const WINDOWS = 6;

/** Mean squared errors of the hidden sound on held-out clips, in units of the training data's variance. */
async function scoreSound(folder: string): Promise<{ score: number } & Record<string, number>> {
  const model = await loadModel(folder);
  const masking = { ...model.recipe!.masking, ratio: { video: 0, audio: 1 } };
  const known = await trainingClips(model);
  const average = meanSound(known);
  const ridge = fitSoundOfFrames(known, clipShape(model));
  const sums = { seen: 0, others: 0, ridge: 0, elementMean: 0, globalMean: 0 };
  let batches = 0;
  await using engine = await createEngine();
  await overWindows(model, 'test', WINDOWS, async (batch) => {
    const loss = async (signals: Record<string, Float32Array>) =>
      (await reconstruct(model, { ...batch, signals }, masking, keyFrom(1), engine)).modalities[HIDDEN].loss;
    const sound = batch.signals[HIDDEN];
    sums.seen += await loss(batch.signals);
    sums.others += await loss({ ...batch.signals, video: rolled(batch.signals.video, BATCH) });
    const read = clipsOf(batch).map(({ video }) => ridge(video));
    sums.ridge += squared(sound, (i) => read[Math.floor(i / average.length)][i % average.length]);
    sums.elementMean += squared(sound, (i) => average[i % average.length]);
    sums.globalMean += squared(sound, () => 0);
    batches++;
  });
  const { seen, ...rest } = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / batches]));
  return { score: seen, ...rest };
}

/** Batches of windows from anywhere in the clips of a split, each clip `rounds` times; what fills no batch is left out. */
async function overWindows(
  model: LoadedModel,
  split: string,
  rounds: number,
  take: (batch: Batch) => Promise<void>,
): Promise<void> {
  const dataset = await openDataOf(model, { split });
  const reader = { ...readerOf(model.description), start: 'random' } as Reader;
  const steps = Math.floor((rounds * dataset.size) / BATCH);
  const loader = createLoader(dataset, { reader, batchSize: BATCH, shuffle: true, key: keyFrom(2) });
  try {
    for (let step = 0; step < steps; step++) {
      const batch = await loader.next();
      if (batch?.size === BATCH) await take(batch);
    }
  } finally {
    await loader.close();
  }
}

async function trainingClips(model: LoadedModel): Promise<Clip[]> {
  const clips: Clip[] = [];
  await overWindows(model, 'train', WINDOWS, async (batch) => {
    clips.push(...clipsOf(batch));
  });
  return clips;
}

function clipsOf({ size, signals }: Batch): Clip[] {
  const each = (all: Float32Array, n: number) => all.slice((n * all.length) / size, ((n + 1) * all.length) / size);
  return Array.from({ length: size }, (_, n) => ({ video: each(signals.video, n), audio: each(signals[HIDDEN], n) }));
}

function clipShape({ description }: LoadedModel): ClipShape {
  const shapeOf = (name: string) => description.modalities.find((m) => m.name === name)!;
  const [frames, height, width] = shapeOf('video').indexShape;
  const { indexShape, channels } = shapeOf(HIDDEN);
  return { frames, pixels: height * width, steps: indexShape[0], bands: channels };
}

/** The mean of every frame and band. */
function meanSound(clips: readonly Clip[]): Float64Array {
  const mean = new Float64Array(clips[0].audio.length);
  for (const { audio } of clips) audio.forEach((value, i) => (mean[i] += value / clips.length));
  return mean;
}

/** Every example's values moved to the next example: pictures of another clip. */
function rolled(values: Float32Array, count: number): Float32Array {
  const length = values.length / count;
  const out = new Float32Array(values.length);
  out.set(values.subarray(length));
  out.set(values.subarray(0, length), values.length - length);
  return out;
}

function squared(values: Float32Array, predicted: (i: number) => number): number {
  return values.reduce((sum, value, i) => sum + (value - predicted(i)) ** 2, 0) / values.length;
}

function row(quick: boolean): Row {
  const small: Record<string, string> = quick ? { 'training.steps': '6', 'data.limit': '32' } : {};
  const run = { command: 'pretrain' as const, recipe: 'paper/cross-modal' };
  const data = { 'data.path': FACES.out };
  return {
    name: 'talking faces',
    prepared: FACES,
    runs: [
      { ...run, overrides: { ...data, ...small } },
      { ...run, overrides: { ...data, ...SOUND_HIDDEN, ...small }, follows: 'model.from' },
    ],
    score: scoreSound,
  };
}

/** `paper cross-modal` */
export const command = definePaperTable({
  name: 'cross-modal',
  summary: 'Sound reconstructed from pictures alone, beside the mean predictor',
  description:
    'A small HiP learns talking faces with their sound (GRID), half of the examples without one of the two, then the sound from the pictures alone; the sound of held-out clips is hidden entirely and reconstructed.',
  rows: (quick) => [row(quick)],
  async result([{ row, outcomes }]) {
    const over = (of: (outcome: (typeof outcomes)[number]) => number) => interval(outcomes.map(of));
    const shown = ({ mean, half }: ReturnType<typeof interval>) =>
      Number.isNaN(half) ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${half.toFixed(3)}`;
    const seen = over((o) => o.score);
    const element = over((o) => o.further?.elementMean ?? Number.NaN);
    const others = over((o) => o.further?.others ?? Number.NaN);
    return {
      tables: [
        {
          columns: ['prediction of the hidden sound', 'mean squared error'],
          rows: [
            ['HiP, from the pictures of the clip', shown(seen)],
            ['HiP, from the pictures of another clip', shown(others)],
            [
              'ridge regression, from three pictures to the sound of the middle one',
              shown(over((o) => o.further?.ridge ?? Number.NaN)),
            ],
            ['mean of each frame and band over the training clips', shown(element)],
            ['mean of each band', shown(over((o) => o.further?.globalMean ?? Number.NaN))],
          ],
        },
        {
          title: 'Command',
          columns: ['command', 'minutes'],
          rows: [[rowCommands(row), over((o) => o.minutes).mean.toFixed(1)]],
        },
      ],
      checks: [
        check('error over that of the mean of each frame and band', seen.mean / element.mean, { atMost: 1 }),
        check('error with the pictures of another clip over that with its own', others.mean / seen.mean, {
          atLeast: 1,
        }),
      ],
      notes: [
        'Windows of a third of a second from anywhere in held-out clips of the same speaker: four pictures of 6 x 9 pixels of the mouth, 30 frames of sound as log-mel energies of 8 bands, in units of each band’s variance over the training data. Means over seeds ± half of the 95 % interval (Student).',
      ],
      data: outcomes,
    };
  },
});
