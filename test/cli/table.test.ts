import assert from 'node:assert/strict';
import { test } from 'node:test';
import { styleFor, visibleLength, wrapWords } from '../../src/cli/style.js';
import { formatTable } from '../../src/cli/table.js';

test('columns are aligned, numbers and quantities to the right', () => {
  const rows = [
    ['HiP-16', 99224996, '379 MB', 'yes'],
    ['Mini', 18709668, '1.2 GB', undefined],
  ];
  assert.equal(
    formatTable(rows, ['model', 'parameters', 'memory', 'tried']),
    [
      'model   parameters  memory  tried', //
      'HiP-16  99,224,996  379 MB  yes',
      'Mini    18,709,668  1.2 GB  –',
    ].join('\n'),
  );
});

test('shapes and names stand left; colours take no room', () => {
  const { green } = styleFor({}, { FORCE_COLOR: '1' });
  const lines = formatTable([
    [green('ok'), '[2, 16, 32]'],
    ['FAIL', '[2, 1, 32]'],
  ]).split('\n');
  assert.equal(lines[0], `${green('ok')}    [2, 16, 32]`);
  assert.equal(lines[1], 'FAIL  [2, 1, 32]');
  assert.equal(formatTable([]), '');
});

test('small numbers keep their digits', () => {
  assert.equal(formatTable([[0.000123], [12], [3e-9]]), ['0.000123', '      12', '    3e-9'].join('\n'));
});

test('words are wrapped by what is visible', () => {
  assert.deepEqual(wrapWords('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrapWords('extraordinary a', 5), ['extraordinary', 'a']);
  assert.deepEqual(wrapWords('', 5), ['']);
  assert.equal(visibleLength(styleFor({}, { FORCE_COLOR: '1' }).bold('ab')), 2);
});
