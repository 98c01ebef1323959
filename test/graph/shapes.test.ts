/** Wrong shapes and dtypes are refused where a node is made, in a sentence that names what does not fit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HiperceiverError } from '../../src/errors/index.js';
import {
  concat,
  constant,
  Graph,
  groupNorm,
  input,
  layerNorm,
  oneHot,
  scatterAdd,
  type Tensor,
  topK,
  where,
} from '../../src/graph/index.js';

const x = input('x', [2, 3]);
const i = input('i', [4], 'i32');
const b = input('b', [2, 3], 'bool');

/** What is refused, and what the sentence must name. */
const refused: [string, () => unknown, string[]][] = [
  ['add', () => x.add(input('y', [2, 4])), ['[2, 3]', '[2, 4]']],
  ['add', () => x.add(i), ['[2, 3]', 'i32[4]']],
  ['div', () => i.div(2), ['i32[4]']],
  ['exp', () => i.exp(), ['i32[4]']],
  ['where', () => where(b, input('y', [4]), 0), ['[2, 3]', '[4]']],
  ['where', () => where(x, x, x), ['f32[2, 3]']],
  ['where', () => where(b, x, i), ['f32[2, 3]', 'i32[4]']],
  ['not', () => x.not(), ['f32[2, 3]']],
  ['and', () => x.and(b), ['f32[2, 3]']],
  ['matmul', () => x.matmul(input('y', [4, 5])), ['[2, 3]', '[4, 5]']],
  ['matmul', () => x.matmul(input('y', [5, 4]), { transB: true }), ['[2, 3]', '[5, 4]ᵀ']],
  ['matmul', () => input('a', [2, 2, 3]).matmul(input('y', [3, 3, 4])), ['[2]', '[3]']],
  ['matmul', () => x.matmul(input('v', [3])), ['f32[2, 3]', 'f32[3]']],
  ['reshape', () => x.reshape([4, 2]), ['[2, 3]', '[4, 2]']],
  ['reshape', () => x.reshape([4, -1]), ['[2, 3]', '[4, -1]']],
  ['transpose', () => x.transpose([0, 0]), ['[2, 3]', '[0, 0]']],
  ['expand', () => x.expand([4, 3]), ['[2, 3]', '[4, 3]']],
  ['expand', () => x.expand([3]), ['[2, 3]', '[3]']],
  ['concat', () => concat([x, input('y', [2, 4])], 0), ['[2, 3]', '[2, 4]']],
  ['split', () => x.split([1, 1], 1), ['[2, 3]', '[1, 1]']],
  ['split', () => x.split([3, 0], 1), ['[2, 3]', '[3, 0]']],
  ['split', () => x.split(2, 1), ['[2, 3]', '2 parts']],
  ['slice', () => x.slice([[1, 1]]), ['[2, 3]']],
  [
    'slice',
    () =>
      x.slice([
        [0, 2],
        [3, 5],
      ]),
    ['[2, 3]', '[0, 3]'],
  ],
  ['pad', () => x.pad([[1, 1]]), ['[2, 3]']],
  ['sum', () => x.sum(2), ['axis 2', 'rank 2']],
  ['sum', () => b.sum(), ['bool[2, 3]']],
  ['mean', () => i.mean(), ['i32[4]']],
  ['softmax', () => x.softmax(-3), ['axis -3', 'rank 2']],
  ['layerNorm', () => layerNorm(x, constant([1, 1]), constant([0, 0])), ['[2, 3]', '[2]']],
  ['groupNorm', () => groupNorm(x, constant([1, 1, 1]), constant([0, 0, 0]), 2), ['3 channels', '2 groups']],
  ['gather', () => x.gather(x), ['f32[2, 3]']],
  ['scatterAdd', () => scatterAdd([5, 3], i, x), ['[2, 3]', '[4, 3]']],
  ['oneHot', () => oneHot(x, 3), ['f32[2, 3]']],
  ['topK', () => topK(x, 4), ['4', '[2, 3]']],
  ['conv', () => input('a', [1, 3, 8, 8]).conv(input('k', [4, 2, 3, 3])), ['[1, 3, 8, 8]', '[4, 2, 3, 3]']],
  ['conv', () => input('a', [1, 2, 2, 8]).conv(input('k', [4, 2, 3, 3])), ['[1, 2, 2, 8]', '[4, 2, 3, 3]']],
  [
    'conv',
    () => input('a', [1, 2, 8]).conv(input('k', [4, 2, 3]), { strides: [1, 2] }),
    ['strides', '2 entries', '1 spatial'],
  ],
  ['convTranspose', () => input('a', [1, 3, 8]).convTranspose(input('k', [2, 4, 3])), ['[1, 3, 8]', '[2, 4, 3]']],
  ['input', () => input('bad', [2, 0]), ['"bad"', '[2, 0]']],
  ['constant', () => constant([1, 2, 3], [2, 2]), ['3 values', '[2, 2]']],
  ['Graph', () => Graph.of({ y: x.add(input('x', [2, 3])) }), ['two different inputs', '"x"']],
  ['Graph', () => Graph.of({ x: x.neg() }), ['an input and an output', '"x"']],
];

for (const [operation, build, names] of refused) {
  test(`${operation} refuses ${names.join(' and ')}`, () => {
    assert.throws(build, (error: Error) => {
      assert.ok(error instanceof HiperceiverError, String(error));
      for (const name of names) assert.ok(error.message.includes(name), `"${error.message}" does not name ${name}`);
      assert.ok(!error.message.includes('\n') && error.message.endsWith('.'), `"${error.message}" is not one sentence`);
      return true;
    });
  });
}

test('broadcasting follows the aligned ends', () => {
  const shape = (t: Tensor) => t.shape;
  assert.deepEqual(shape(input('a', [4, 1, 3]).mul(input('c', [2, 1]))), [4, 2, 3]);
  assert.deepEqual(shape(x.mul(3)), [2, 3]);
  assert.deepEqual(shape(input('a', [5, 1, 2, 3]).matmul(input('c', [4, 3, 2]))), [5, 4, 2, 2]);
});
