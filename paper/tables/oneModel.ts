import { check } from '../../bench/report.js';
import { loadRecipe, resolveRecipe } from '../../src/training/index.js';
import { type Baseline, scoreBaseline } from '../baselines/baseline.js';
import { type Outcome, type Row, rowCommands } from '../experiment.js';
import type { Prepared } from '../prepared.js';
import { interval, percent } from '../statistics.js';
import { definePaperTable } from '../table.js';

const DATA = '../shared/data';

/** Sixteen neighbouring samples make one input: raw ones would be as many as a small image's pixels times fifty. */
const PIECES = { 'audio.patch': '16' };

/** Places in a row of pieces are learned fast enough, and serve better than Fourier features (docs/results/README.md). */
const LEARNED = { 'model.positions': 'learned', 'model.positionInitScale': '0.02' };

/** Rare classes count as much as frequent ones in the mean intersection over union: no share of each goes to all. */
const LABEL_MAPS = { 'finetune.labelSmoothing': '0' };

/** A data set, the sizes that its files do not say, and how it is learned. The architecture is none of its business. */
interface Signal {
  name: string;
  what: string;
  /** Updates: more where there is more to see. */
  steps: number;
  prepared?: Prepared;
  overrides: Record<string, string>;
}

/** Label maps and videos as small as the rows read them. */
const ROADS: Prepared = {
  data: `${DATA}/camvid`,
  out: 'runs/paper/shards/roads',
  options: { 'image-size': '48,64', quality: '100' },
};
const TALKERS: Prepared = {
  data: `${DATA}/grid`,
  out: 'runs/paper/shards/talkers',
  options: { 'image-size': '24,32', 'frame-rate': '2', 'sample-rate': '4000' },
};

const signals: Signal[] = [
  {
    name: 'video and sound',
    what: 'GRID, 6x24x32x3 and 298 frames of 40 log-mel bands, 4 commands',
    steps: 400,
    prepared: TALKERS,
    overrides: {
      'data.path': TALKERS.out,
      'data.imageSize': '24,32',
      'video.frames': '6',
      'video.rate': '2',
      'video.sound': 'true',
      'audio.rate': '4000',
      'audio.melBins': '40',
    },
  },
  {
    name: 'satellite',
    what: 'Sentinel-2, 16x16, 13 bands of 5 dates, 4 land uses',
    steps: 1000,
    overrides: {
      ...LABEL_MAPS,
      'data.path': `${DATA}/satellite/sentinel2_slovenia`,
      'data.imageSize': '16',
      'data.validationFraction': '0.25',
    },
  },
  {
    name: 'radar points',
    what: 'RadHAR, 1,024 points of 6 channels',
    steps: 400,
    overrides: { 'data.path': `${DATA}/radhar`, 'points.normalize': 'none', 'points.order': 'stored' },
  },
  {
    name: 'environmental sound',
    what: 'ESC-10, 498 frames of 64 log-mel bands',
    steps: 400,
    overrides: { 'data.path': `${DATA}/esc10`, 'audio.melBins': '64' },
  },
  {
    name: 'segmentation',
    what: 'CamVid, 48x64x3, 11 classes',
    steps: 600,
    prepared: ROADS,
    overrides: { ...LABEL_MAPS, 'data.path': ROADS.out, 'data.imageSize': '48,64', 'data.ignore': '11,255' },
  },
  { name: 'points', what: 'ModelNet10, 1,024 points', steps: 600, overrides: { 'data.path': `${DATA}/modelnet10` } },
  {
    name: 'spoken digits',
    what: 'FSDD, 5,120 samples',
    steps: 2000,
    overrides: { 'data.path': `${DATA}/fsdd`, 'audio.samples': '5120', ...PIECES, ...LEARNED },
  },
  { name: 'images', what: 'CIFAR-10, 32x32x3', steps: 1000, overrides: { 'data.path': `${DATA}/cifar10` } },
];

/** The same latents without a hierarchy: every latent reads every input. Layers chosen for equal operations. */
const FLAT = {
  'model.name': 'perceiver_io',
  'model.variant': 'io_mini',
  'model.config.numSelfAttendsPerBlock': '3',
  'model.config.zIndexDim': '64',
  'model.config.numZChannels': '128',
  'model.config.numSelfAttendHeads': '4',
  'model.config.numEmbeddingChannels': '32',
};

function rowsOf({ name, steps, prepared, overrides }: Signal, quick: boolean): Row[] {
  const length: Record<string, string> = quick
    ? { 'training.steps': '6', 'data.limit': '64' }
    : { 'training.steps': String(steps) };
  const row = (label: string, more: Record<string, string>): Row => ({
    name: label,
    prepared,
    runs: [
      { command: 'finetune', recipe: 'paper/one-model-finetune', overrides: { ...overrides, ...more, ...length } },
    ],
  });
  return [row(name, {}), row(`${name}, Perceiver IO`, FLAT)];
}

/** `paper one-model` */
export const command = definePaperTable({
  name: 'one-model',
  summary: 'One unchanged model on images, sounds, points, label maps, video with sound, rasters',
  description:
    'One small HiP, trained from scratch by the same file on every kind of signal, beside always answering the most frequent class, a classical baseline, and a flat Perceiver IO of about equal operations treated alike.',
  rows: (quick) => {
    const pairs = signals.map((signal) => rowsOf(signal, quick));
    // HiP first, so that an unfinished table says something of every signal.
    return [0, 1].flatMap((model) => pairs.map((pair) => pair[model]));
  },
  async result(found) {
    const baselines = new Map<string, Baseline>();
    const run = signals.filter(({ name }) => found.some(({ row }) => row.name === name));
    for (const { name, overrides } of run)
      baselines.set(name, await scoreBaseline(resolveRecipe(await loadRecipe('paper/one-model-finetune'), overrides)));
    const scoresOf = (outcomes: Outcome[]) => interval(outcomes.map((o) => o.score));
    const rowOf = (name: string) => found.find(({ row }) => row.name === name);
    const rows = run.map((signal) => ({
      signal,
      baseline: baselines.get(signal.name) as Baseline,
      hip: rowOf(signal.name) as (typeof found)[number],
      flat: rowOf(`${signal.name}, Perceiver IO`),
    }));
    return {
      tables: [
        {
          columns: ['signal', 'data', 'HiP %', 'Perceiver IO %', 'classical %', 'most frequent %', 'minutes'],
          rows: rows.map(({ signal, baseline, hip, flat }) => [
            signal.name,
            signal.what,
            percent(scoresOf(hip.outcomes)),
            flat && percent(scoresOf(flat.outcomes)),
            (100 * baseline.score).toFixed(1),
            (100 * baseline.chance).toFixed(1),
            interval(hip.outcomes.map((o) => o.minutes)).mean.toFixed(1),
          ]),
        },
        {
          title: 'Commands',
          columns: ['signal', 'classical baseline', 'GFLOP a step: HiP, Perceiver IO', 'HiP'],
          rows: rows.map(({ signal, baseline, hip, flat }) => [
            signal.name,
            baseline.name,
            [hip, flat].map((row) => (row ? (row.outcomes[0].runs[0].flops / 1e9).toFixed(1) : '–')).join(', '),
            rowCommands(hip.row),
          ]),
        },
      ],
      checks: rows.map(({ signal, baseline, hip }) =>
        check(
          `${signal.name}: HiP over the classical baseline`,
          scoresOf(hip.outcomes).mean - baseline.score,
          { atLeast: 0 },
          (x) => `${(100 * x).toFixed(1)} points`,
        ),
      ),
      notes: [
        'Top-1 accuracy on held-out data; segmentation and satellite: mean intersection over union. Means over seeds ± half of the 95 % interval (Student).',
        'Satellite: 26 rasters teach and 9 judge. Environmental sound: 40 recordings judge, one of them is 2.5 points. What that means for the two rows: docs/results/README.md.',
        'The classical baseline learns from the same split. Digits enter in pieces of 16 samples, other sound as log-mel frames (some two hundred recordings do not teach a filter bank), everything else as it is. All rows share the recipe; the number of updates goes by the size of the data. Positions are Fourier features, for digits learned; targets are smoothed except in label maps.',
      ],
      data: { found, baselines: Object.fromEntries(baselines) },
    };
  },
});
