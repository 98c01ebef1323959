/** `npm run paper -- TABLE [options]`: the paper's tables at a scale that two cores train. */
import type { Registry } from '../src/cli/commands.js';
import { main } from '../src/cli/main.js';
import { formatTable } from '../src/cli/table.js';

const PROGRAM = 'npm run paper --';

const tables: Registry = {
  positions: {
    summary: 'Positions: learned by masked auto-encoding, Fourier, none; and with shuffled pixels',
    load: () => import('./tables/positions.js'),
  },
  grouping: {
    summary: 'Groups: 1, 4, 16, 64 at equal latents; time, memory, accuracy',
    load: () => import('./tables/grouping.js'),
  },
  'cross-modal': {
    summary: 'Sound reconstructed from pictures alone, beside the mean predictor',
    load: () => import('./tables/crossModal.js'),
  },
  'image-family': {
    summary: 'All systems on the same photographs in the same time, beside HiP',
    load: () => import('./tables/imageFamily.js'),
  },
  'one-model': {
    summary: 'One unchanged model on images, sounds, points, label maps, video with sound, rasters',
    load: () => import('./tables/oneModel.js'),
  },
};

function help(): string {
  const rows = Object.entries(tables).map(([name, { summary }]) => [name, summary]);
  return [
    `${PROGRAM} TABLE [options]`,
    'Trains every row of a table for several seeds and writes docs/results/TABLE.md and .json.',
    formatTable(rows, ['table', 'what it shows']),
    `Examples\n  ${PROGRAM} positions\n  ${PROGRAM} one-model --quick`,
    `${PROGRAM} TABLE --help explains a table and its options.`,
  ].join('\n\n');
}

const argv = process.argv.slice(2);
if (argv.length === 0 || ['--help', '-h', 'help'].includes(argv[0])) process.stdout.write(`${help()}\n`);
else process.exit(await main(argv, { commands: tables, program: PROGRAM }));
