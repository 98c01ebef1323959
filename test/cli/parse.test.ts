import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, defineCommand } from '../../src/cli/command.js';
import { parseArguments } from '../../src/cli/parse.js';
import { UsageError } from '../../src/cli/usageError.js';
import { grow } from './fakes.js';

const plain = defineCommand({
  name: 'plain',
  summary: '',
  usage: '',
  options: { device: { type: 'string', help: '' } },
  examples: [],
  run: async () => {},
});

const parse = (...argv: string[]) => parseArguments(grow, ['bed', ...argv]);

function refusal(argv: string[], command: Command = grow): string {
  try {
    parseArguments(command, argv);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return assert.fail(`accepted ${argv.join(' ')}`);
}

test('options that are not given have their defaults', () => {
  assert.deepEqual(parse(), {
    options: { topK: 5, label: undefined, water: true, colors: [] },
    positionals: ['bed'],
    overrides: {},
    json: false,
    debug: false,
    quiet: false,
    help: false,
  });
});

test('values follow an option or its equals sign, in kebab-case, camelCase or by one letter', () => {
  for (const argv of [['--top-k', '3'], ['--top-k=3'], ['--topK', '3'], ['-k', '3'], ['-k=3']]) {
    assert.equal(parse(...argv).options.topK, 3, argv.join(' '));
  }
  assert.equal(parse('--top-k', '-2').options.topK, -2);
  assert.equal(parse('--label=a=b').options.label, 'a=b');
  assert.equal(parse('--label=').options.label, '');
  assert.equal(parse('--label', 'first', '--label', 'last').options.label, 'last');
  assert.deepEqual(parse('--colors', 'red,blue', '--colors=green').options.colors, ['red', 'blue', 'green']);
});

test('a repeated option is taken whole each time', () => {
  const command = defineCommand({ ...plain, options: { dataset: { type: 'repeated', help: '' } } });
  assert.deepEqual(parseArguments(command, []).options.dataset, []);
  const { dataset } = parseArguments(command, ['--dataset', 'a=1,b=2', '--dataset=c=3']).options;
  assert.deepEqual(dataset, ['a=1,b=2', 'c=3']);
});

test('switches are turned on, off, and set', () => {
  assert.equal(parse('--water').options.water, true);
  assert.equal(parse('--no-water').options.water, false);
  assert.equal(parse('--water=false').options.water, false);
  assert.equal(parse('--json', '--quiet', '--debug').json, true);
  assert.deepEqual(parse('--water', 'rose').positionals, ['bed', 'rose']);
});

test('after -- everything is positional', () => {
  assert.deepEqual(parse('--', '--json', '-k').positionals, ['bed', '--json', '-k']);
});

test('recipe values are collected by dotted key, also under their short names', () => {
  const { overrides } = parse(
    ...['--training.steps', '200', '--optimizer.learningRate=3e-3', '--data', 'photos', '--batch-size', '8'],
    ...[
      '--data.workers',
      '-1',
      '--masking.mask-ratio.my-image=0.5',
      '--no-data.flip',
      '--resume',
      '--masking.perExample',
    ],
  );
  assert.deepEqual(overrides, {
    'training.steps': '200',
    'optimizer.learningRate': '3e-3',
    'data.path': 'photos',
    'training.batchSize': '8',
    'data.workers': '-1',
    'masking.maskRatio.my-image': '0.5',
    'data.flip': 'false',
    'training.resume': 'true',
    'masking.perExample': 'true',
  });
});

test('a command without a recipe takes no recipe values, and may use a short name for itself', () => {
  assert.match(
    refusal(['--training.steps', '2'], plain),
    /--training\.steps is a recipe's value.*plain takes no recipe/,
  );
  assert.match(refusal(['--steps', '2'], plain), /Unknown option "--steps"/);
  assert.equal(parseArguments(plain, ['--device', 'wasm']).options.device, 'wasm');
});

test('what cannot be understood is named, with the nearest option', () => {
  assert.match(refusal(['bed', '--stpes', '3']), /^Unknown option "--stpes": did you mean "--steps"\?$/);
  assert.match(refusal(['bed', '--topk', '3']), /did you mean "--top-k"\?/);
  assert.match(refusal(['bed', '-x']), /Unknown option "-x"/);
  assert.match(refusal(['bed', '--top-k']), /^--top-k needs a value, as in --top-k N\.$/);
  assert.match(refusal(['bed', '--top-k', '--json']), /needs a value/);
  assert.match(refusal(['bed', '--top-k', 'many']), /^--top-k must be a number, got "many"\.$/);
  assert.match(refusal(['bed', '--water=maybe']), /^--water must be true or false, got "maybe"\.$/);
  assert.match(refusal(['bed', '--no-water=true']), /^--no-water takes no value\.$/);
  assert.match(refusal(['bed', '--no-top-k']), /Unknown option "--no-top-k"/);
});

test('positional arguments are counted', () => {
  assert.match(refusal([]), /^The command grow needs BED: where to plant\.$/);
  assert.match(refusal(['extra'], plain), /^The command plain takes no arguments, but "extra" was given too\.$/);
  assert.deepEqual(parse('a', 'b', 'c').positionals, ['bed', 'a', 'b', 'c']);
  assert.equal(parseArguments(grow, ['--help']).help, true);
});
