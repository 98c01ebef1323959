import { type Command, defineCommand } from '../../src/cli/command.js';
import type { Registry } from '../../src/cli/commands.js';
import { main } from '../../src/cli/main.js';

/** What the fake command was called with last. */
export const seen: { context?: Parameters<Command['run']>[0] } = {};

export const grow = defineCommand({
  name: 'grow',
  summary: 'grow plants',
  usage: 'BED [PLANT…] [options]',
  description: 'Plants what is given and waits.',
  positionals: [
    { name: 'BED', help: 'where to plant' },
    { name: 'PLANT', help: 'what to plant', optional: true, many: true },
  ],
  options: {
    topK: { type: 'number', help: 'plants to keep', default: 5, short: 'k' },
    label: { type: 'string', help: 'text on the sign' },
    water: { type: 'boolean', help: 'whether to water', default: true },
    colors: { type: 'strings', help: 'colours of the flowers', placeholder: 'C,…' },
  },
  recipe: true,
  examples: ['hip grow garden rose --top-k 3'],
  async run(context) {
    seen.context = context;
    context.output.note('growing');
    context.output.result({ kept: context.options.topK, height: Number.NaN }, () => `kept ${context.options.topK}`);
  },
});

const fail = defineCommand({
  name: 'fail',
  summary: 'fail in a chosen way',
  usage: 'HOW',
  positionals: [{ name: 'HOW', help: 'the way', optional: true }],
  options: {},
  examples: [],
  async run({ positionals }) {
    const { HiperceiverError } = await import('../../src/errors/index.js');
    if (positionals[0] === 'known') throw new HiperceiverError('The file a.png is broken: delete it.');
    if (positionals[0] === 'code') return 3;
    throw new TypeError('x is not a function\nsecond line');
  },
});

export const fakeCommands: Registry = {
  grow: { summary: grow.summary, load: async () => ({ command: grow }) },
  fail: { summary: fail.summary, load: async () => ({ command: fail }) },
};

/** Runs a command line against the fake commands. */
export async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const sink = (key: 'out' | 'err') => ({ write: (text: string) => void (written[key] += text) });
  const code = await main(argv, { stdout: sink('out'), stderr: sink('err'), commands: fakeCommands });
  return { code, ...written };
}
