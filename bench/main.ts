/** `npm run bench -- TABLE [options]`: one command for each table of measurements. */
import type { Registry } from '../src/cli/commands.js';
import { main } from '../src/cli/main.js';
import { formatTable } from '../src/cli/table.js';

const PROGRAM = 'npm run bench --';

/** The tables by name, in the order in which they are listed. */
const tables: Registry = {
  training: {
    summary: 'Forward, backward and AdamW of HiP-Mini and HiP-16 beside PyTorch: time, efficiency, memory',
    load: () => import('./tables/training.js'),
  },
  'image-family': {
    summary: 'ViT-B/16 and MAE ViT-B/16 beside PyTorch: time, efficiency, memory',
    load: () => import('./tables/imageFamily.js'),
  },
  inference: {
    summary: 'Forward passes at batch 1 and 8 beside PyTorch',
    load: () => import('./tables/inference.js'),
  },
  blocks: {
    summary: 'A self-attention layer with its MLP beside @jax-js/jax and TensorFlow.js',
    load: () => import('./tables/blocks.js'),
  },
  floor: {
    summary: 'What the matrix products of a training step take alone: the least that it can take',
    load: () => import('./tables/floor.js'),
  },
  masking: {
    summary: 'What dropping 85 % of the inputs saves: input stage, whole step, memory',
    load: () => import('./tables/masking.js'),
  },
  'speed-table': {
    summary: 'Training steps per second at sides 224 to 2048 beside the paper’s table',
    load: () => import('./tables/speedTable.js'),
  },
  'flat-cost': {
    summary: 'Time per input of HiP-256 at sides 512, 1024 and 2048',
    load: () => import('./tables/flatCost.js'),
  },
  startup: {
    summary: 'From starting ./hip pretrain to its first step, and what a cold start goes into',
    load: () => import('./tables/startup.js'),
  },
  loader: {
    summary: 'Share of a step that waits for JPEG files, and whether memory stays flat',
    load: () => import('./tables/loader.js'),
  },
  augmentation: {
    summary: 'What augmentation costs: processor time for each image, beside that of decoding a photograph',
    load: () => import('./tables/augmentation.js'),
  },
  shards: {
    summary: 'Streaming shards in shuffled order: time, memory, and every sample once after a stop',
    load: () => import('./tables/shards.js'),
  },
};

function list(): string {
  const rows = Object.entries(tables).map(([name, { summary }]) => [name, summary]);
  return formatTable(rows, ['table', 'what it measures']);
}

function help(): string {
  return [
    `${PROGRAM} TABLE [options]`,
    'Each table is measured in one run, printed, and written to bench/results as JSON and Markdown.',
    list(),
    [
      'Examples',
      `  ${PROGRAM} training --quick`,
      `  ${PROGRAM} training --python ~/torch/bin/python`,
      `  ${PROGRAM} speed-table --sides 224,512 --models hip/16,hip/256`,
      `  ${PROGRAM} masking --large`,
    ].join('\n'),
    `${PROGRAM} TABLE --help explains a table and its options; --list names the tables alone.`,
  ].join('\n\n');
}

const argv = process.argv.slice(2);
if (argv.length === 0 || ['--help', '-h', 'help', '--list'].includes(argv[0])) {
  process.stdout.write(`${argv[0] === '--list' ? list() : help()}\n`);
} else {
  process.exit(await main(argv, { commands: tables, program: PROGRAM }));
}
