import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const page = readFileSync(new URL('../../../docs/benchmarks.md', import.meta.url), 'utf8');

function bench(...args: string[]): { out: string; errors: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  return { out: stdout, errors: stderr, status };
}

test('every table is listed, explains itself, and stands in the documentation with its options', () => {
  const names = bench('--list')
    .out.match(/^[a-z]+(-[a-z]+)*(?= {2})/gm)!
    .filter((name) => name !== 'table');
  assert.equal(names.length, 12);
  for (const name of names) {
    const { out, status } = bench(name, '--help');
    assert.equal(status, 0, name);
    for (const option of ['--rounds', '--quick', '--out']) assert.ok(out.includes(option), `${name} ${option}`);
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\``));
    assert.ok(row, name);
    for (const [, option] of row.matchAll(/`(--[a-z]+)/g)) assert.ok(out.includes(option), `${name} ${option}`);
  }
});

test('without a table the help comes, with examples', () => {
  const { out, status } = bench();
  assert.equal(status, 0);
  assert.match(out, /training --quick/);
});

test('what does not exist is named', () => {
  const table = bench('trainign');
  assert.equal(table.status, 2);
  assert.match(table.errors, /did you mean "training"/);
  const model = bench('training', '--models', 'Mimi', '--quiet');
  assert.equal(model.status, 1);
  assert.match(model.errors, /did you mean "Mini"/);
  const side = bench('flat-cost', '--sides', 'big');
  assert.match(side.errors, /--sides holds "big": give whole numbers of pixels/);
});
