import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/engine/index.js';
import { constant, Graph, gradients, input, type Tensor } from '../../src/graph/index.js';
import {
  binaryCrossEntropyWithLogits,
  crossEntropy,
  gumbelSoftmax,
  infoNce,
  l2Normalize,
  maskedMeanSquaredError,
  milNce,
  ntXent,
  smoothL1,
  softCrossEntropy,
} from '../../src/objectives/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

const valuesOf = (tensor: Tensor, feeds = {}) => evaluate(Graph.of({ tensor }), feeds).get('tensor')!;
const numberOf = (tensor: Tensor) => valuesOf(tensor)[0];
const draw = (seed: number, shape: number[]) =>
  constant(
    normal(
      fold(keyFrom(5), seed),
      shape.reduce((a, b) => a * b),
    ),
    shape,
  );
const labels = (...values: number[]) => constant(Int32Array.from(values), [values.length], 'i32');
const close = (got: number, wanted: number) => assert.ok(Math.abs(got - wanted) < 1e-6, `${got} instead of ${wanted}`);

// Agreement with PyTorch, gradients included, is tested by the golden cases under test/verify.

test('cross-entropy of even logits is log C, and smoothing mixes in the mean over classes', () => {
  close(numberOf(crossEntropy(constant(new Float32Array(8), [2, 4]), labels(0, 3))), Math.log(4));
  const logits = draw(1, [3, 4]);
  const smooth = numberOf(crossEntropy(logits, labels(2, 0, 1), { labelSmoothing: 0.2 }));
  const targets = constant(
    [2, 0, 1].flatMap((own) => [0, 1, 2, 3].map((c) => 0.05 + (c === own ? 0.8 : 0))),
    [3, 4],
  );
  close(smooth, numberOf(softCrossEntropy(logits, targets)));
});

test('a class that is impossible for one example does not spoil the loss', () => {
  const logits = constant([0, -1e30, 0, 0, 0, 0], [2, 3]);
  close(numberOf(crossEntropy(logits, labels(0, 1))), (Math.log(2) + Math.log(3)) / 2);
});

test('examples of the ignored label count neither in the mean nor in the gradient; without any other the loss is 0', () => {
  const logits = draw(2, [3, 4]);
  const counted = logits.slice([[0, 1]]);
  close(numberOf(crossEntropy(logits, labels(2, -1, -1), { ignore: -1 })), numberOf(crossEntropy(counted, labels(2))));
  const x = input('x', [2, 2]);
  const feeds = { x: Float32Array.of(0, 0, 5, 1) };
  const [gradient] = gradients(crossEntropy(x, labels(0, -1), { ignore: -1, labelSmoothing: 0.2 }), [x]);
  [-0.4, 0.4, 0, 0].forEach((wanted, i) => close(valuesOf(gradient, feeds)[i], wanted));
  const nothing = crossEntropy(x, labels(-1, -1), { ignore: -1 });
  assert.equal(Math.abs(valuesOf(nothing, feeds)[0]), 0);
  assert.ok(valuesOf(gradients(nothing, [x])[0], feeds).every((g) => Math.abs(Number(g)) === 0));
});

test('binary cross-entropy overflows nowhere and has the gradient sigmoid(x) - t, at 0 too', () => {
  const x = input('x', [4]);
  const loss = binaryCrossEntropyWithLogits(x, constant([1, 0, 1, 0]));
  const feeds = { x: Float32Array.of(1e4, -1e4, 0, 2) };
  close(valuesOf(loss, feeds)[0], (Math.log(2) + Math.log(1 + Math.exp(2))) / 4);
  const gradient = valuesOf(gradients(loss, [x])[0], feeds);
  [0, 0, -0.5, 1 / (1 + Math.exp(-2))].forEach((wanted, i) => close(gradient[i] * 4, wanted));
});

test('smooth L1 is quadratic below beta and linear above, without a jump', () => {
  const at = (d: number) => numberOf(smoothL1(constant([d]), constant([0]), 0.5));
  close(at(0.25), 0.25 ** 2 / 1);
  close(at(0.5), 0.25);
  close(at(-2), 1.75);
});

test('masked squared error averages over masked elements alone, and is 0 without any', () => {
  const [prediction, target] = [draw(2, [2, 3, 2]), draw(3, [2, 3, 2])];
  const mask = [1, 0, 0, 0, 1, 1];
  const [p, t] = [valuesOf(prediction), valuesOf(target)];
  const wanted =
    Array.from(p).reduce((sum, value, i) => sum + mask[Math.floor(i / 2)] * (value - t[i]) ** 2, 0) / (2 * 3);
  close(numberOf(maskedMeanSquaredError(prediction, target, constant(mask, [2, 3]))), wanted);
  assert.equal(numberOf(maskedMeanSquaredError(prediction, target, constant(new Float32Array(6), [2, 3]))), 0);
});

test('contrastive losses fall as pairs agree, and ignore lengths', () => {
  const [a, b] = [draw(4, [5, 8]), draw(5, [5, 8])];
  const sentences = (x: Tensor) => x.reshape([5, 1, 8]);
  for (const loss of [
    infoNce,
    ntXent,
    (x: Tensor, y: Tensor, temperature: number) => milNce(x, sentences(y), { temperature }),
  ]) {
    assert.ok(numberOf(loss(a, a, 0.1)) < numberOf(loss(a, b, 0.1)));
    close(numberOf(loss(a.mul(7), b, 0.1)), numberOf(loss(a, b.mul(0.3), 0.1)));
  }
  const collapsed = constant(new Float32Array(40).fill(1), [5, 8]);
  close(numberOf(infoNce(collapsed, collapsed, 0.1)), Math.log(5));
  close(numberOf(ntXent(collapsed, collapsed, 0.1)), Math.log(9));
  close(numberOf(milNce(collapsed, sentences(collapsed), { temperature: 0.1 })), Math.log(9));
  close(numberOf(milNce(collapsed, sentences(collapsed), { temperature: 0.1, positives: 'twice' })), Math.log(10));
});

test('normalising a zero vector gives zeros and a finite gradient', () => {
  const x = input('x', [1, 3]);
  const y = l2Normalize(x);
  const feeds = { x: new Float32Array(3) };
  assert.deepEqual([...valuesOf(y, feeds)], [0, 0, 0]);
  assert.ok([...valuesOf(gradients(y.sum(), [x])[0], feeds)].every(Number.isFinite));
});

test('the hard Gumbel choice is one-hot with the gradient of the soft one', () => {
  const logits = input('x', [2, 3, 4]);
  const feeds = { x: normal(keyFrom(9), 24) };
  const noise = draw(6, [2, 3, 4]);
  const upstream = draw(7, [2, 3, 4]);
  const [soft, hard] = [false, true].map((isHard) => gumbelSoftmax(logits, noise, { temperature: 0.5, hard: isHard }));
  const chosen = valuesOf(hard, feeds);
  assert.ok(Array.from(chosen).every((v) => v === 0 || v === 1) && Array.from(chosen).reduce((a, b) => a + b) === 6);
  const gradientOf = (y: Tensor) => [...valuesOf(gradients(y.mul(upstream).sum(), [logits])[0], feeds)];
  assert.deepEqual(gradientOf(hard), gradientOf(soft));
});

test('what does not fit is named', () => {
  assert.throws(() => crossEntropy(draw(1, [3, 4]), labels(0, 1)), /labels \[2\] should be \[3\]/);
  assert.throws(
    () => softCrossEntropy(draw(1, [3, 4]), draw(1, [3, 5])),
    /\[3, 4\] and targets \[3, 5\] differ in shape/,
  );
  assert.throws(
    () => maskedMeanSquaredError(draw(1, [2, 3, 4]), draw(1, [2, 3, 4]), draw(1, [2, 4])),
    /mask \[2, 4\] should be \[2, 3\]/,
  );
  assert.throws(() => infoNce(draw(1, [3, 4]), draw(1, [2, 4]), 0.1), /of one shape, not \[3, 4\] and \[2, 4\]/);
  assert.throws(() => infoNce(draw(1, [3, 4]), draw(1, [3, 4]), 0), /temperature of a contrastive loss is 0/);
  assert.throws(() => milNce(draw(1, [3, 4]), draw(1, [3, 4]), { temperature: 1 }), /should be \[N, K, D\]/);
});
