import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../src/cli/commands.js';
import { createOutput } from '../../src/cli/output.js';
import { styleFor } from '../../src/cli/style.js';
import { run, seen } from './fakes.js';

test('the help lists every command with its summary', async () => {
  for (const argv of [[], ['--help'], ['help'], ['-h']]) {
    const { code, out, err } = await run(...argv);
    assert.equal(code, 0);
    assert.match(out, /grow {2}grow plants\n {2}fail {2}fail in a chosen way/);
    assert.equal(err, '');
  }
});

test('the help of a command shows arguments, options, recipe values and examples, aligned', async () => {
  const { code, out } = await run('grow', '--help');
  assert.equal(code, 0);
  assert.equal((await run('help', 'grow')).out, out);
  assert.match(out, /-k, --top-k N +plants to keep \(default: 5\)/);
  assert.match(out, /--\[no-\]water +whether to water/);
  assert.match(out, /--batch-size N +examples in a step \(training\.batchSize\)/);
  assert.match(out, /Examples\n {2}hip grow garden rose --top-k 3/);
  const starts = out.split('\n').flatMap((line) => line.match(/^ {6}--\S+( [A-Z]\S*)? {2,}/)?.[0].length ?? []);
  assert.ok(starts.length > 8 && out.split('\n').every((line) => line.length <= 110));
});

test('results go to stdout and progress to stderr; --json makes stdout one JSON value', async () => {
  assert.deepEqual(await run('grow', 'bed'), { code: 0, out: 'kept 5\n', err: 'growing\n' });
  assert.deepEqual(await run('grow', 'bed', '--quiet'), { code: 0, out: 'kept 5\n', err: '' });
  const { out, err } = await run('--json', 'grow', 'bed', '-k', '2');
  assert.deepEqual(JSON.parse(out), { kept: 2, height: 'NaN' });
  assert.equal(err, 'growing\n');
  assert.equal(seen.context?.json, true);
});

test('what is printed for people goes to stderr beside JSON', () => {
  const lines: string[] = [];
  const sink = (name: string) => ({ write: (text: string) => void lines.push(name + text) });
  createOutput(sink('out '), sink('err '), { json: true }).print('a');
  createOutput(sink('out '), sink('err ')).print('b');
  assert.deepEqual(lines, ['err a\n', 'out b\n']);
});

test('errors are one sentence, and the exit code tells their kind', async () => {
  assert.deepEqual(await run('fail', 'known'), {
    code: 1,
    out: '',
    err: 'error: The file a.png is broken: delete it.\n',
  });
  assert.deepEqual(await run('fail'), {
    code: 1,
    out: '',
    err: 'error: Unexpected: x is not a function. Run again with --debug to see where.\n',
  });
  assert.match((await run('fail', '--debug')).err, /TypeError: x is not a function[\s\S]*fakes\.js:\d+/);
  assert.equal((await run('fail', 'code')).code, 3);
});

test('a command line that makes no sense ends with 2 and names the help', async () => {
  const unknown = await run('gorw');
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /^error: Unknown command "gorw": did you mean "grow"\?\nhip --help shows/);
  const option = await run('grow', 'bed', '--labl', 'x');
  assert.equal(option.code, 2);
  assert.match(option.err, /did you mean "--label"\?\nhip grow --help shows/);
  assert.equal((await run('--steps', '3')).code, 2);
  assert.equal((await run('help', 'nothing-like-it')).code, 2);
  assert.equal((await run('constructor')).code, 2);
});

test('the version is that of the package', async () => {
  assert.match((await run('--version')).out, /^\d+\.\d+\.\d+\n$/);
});

test('colours are for terminals, unless they are unwanted', () => {
  const red = (terminal: object, environment: Record<string, string>) => styleFor(terminal, environment).red('x');
  assert.equal(red({ isTTY: true }, {}), '\x1b[31mx\x1b[39m');
  assert.equal(red({ isTTY: true }, { NO_COLOR: '1' }), 'x');
  assert.equal(red({ isTTY: true }, { TERM: 'dumb' }), 'x');
  assert.equal(red({}, {}), 'x');
  assert.equal(red({}, { FORCE_COLOR: '1' }), '\x1b[31mx\x1b[39m');
});

test('every command is what the list of commands says', async () => {
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const { command } = await load();
    assert.equal(command.name, name);
    assert.equal(command.summary, summary);
    assert.ok(command.examples.length > 0, `${name} has no examples`);
  }
});
