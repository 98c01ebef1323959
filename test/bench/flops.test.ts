import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardFlops, TRAINING_FACTOR } from '../../bench/flops.js';
import { input } from '../../src/graph/index.js';
import { configOf, systemByName } from '../../src/models/index.js';

function gigaflops(system: string, variant: string, indexShape: number[], batch: number, encoderOnly = false): number {
  const modality = { name: 'image', indexShape, channels: 3 };
  const config = configOf(systemByName(system), variant);
  return forwardFlops({ system, config, modality, batch, encoderOnly }) / 1e9;
}

test('the plain architectures have the operations that their first, plain graphs had', () => {
  assert.equal(gigaflops('hip', 'Mini', [1024], 4).toFixed(2), '27.36');
  assert.equal((TRAINING_FACTOR * gigaflops('hip', 'Mini', [1024], 4)).toFixed(2), '82.08');
  assert.equal(gigaflops('hip', '16', [224, 224], 1).toFixed(2), '56.23');
  // The first graph did not differentiate into raw inputs: 168.69 of 168.70.
  assert.ok(Math.abs(TRAINING_FACTOR * gigaflops('hip', '16', [224, 224], 1) - 168.69) < 0.02);
});

test('operations grow with the batch, but for positions and learned queries', () => {
  const [one, four] = [gigaflops('hip', 'Mini', [1024], 1), gigaflops('hip', 'Mini', [1024], 4)];
  assert.ok(four < 4 * one && four > 3.9 * one);
});

test('an encoder alone has fewer operations, and Perceiver IO many more than HiP', () => {
  const encoder = gigaflops('hip', '16', [224, 224], 1, true);
  assert.ok(encoder < gigaflops('hip', '16', [224, 224], 1));
  assert.ok(gigaflops('perceiver_io', 'io_c_50m', [224, 224], 1, true) > 4 * encoder);
});

test('a small Perceiver IO by hand', () => {
  // 64 inputs of 3 channels, embedded in 8; 4 latents of 16 channels; one layer; widening 2 everywhere.
  const config = {
    ...configOf(systemByName('perceiver_io'), 'io_mini'),
    ...{ numEmbeddingChannels: 8, zIndexDim: 4, numZChannels: 16, numSelfAttendsPerBlock: 1 },
    ...{ crossAttendWideningFactor: 2, selfAttendWideningFactor: 2, numPositionEncodingChannels: undefined },
  };
  const embed = 64 * 3 * 8;
  const cross = 4 * 16 * 8 + 2 * (64 * 8 * 8) + 2 * (4 * 8 * 64) + 4 * 8 * 16 + 2 * (4 * 16 * 32);
  const self = 4 * (4 * 16 * 16) + 2 * (4 * 16 * 4) + 2 * (4 * 16 * 32);
  const found = forwardFlops({
    system: 'perceiver_io',
    config,
    modality: { name: 'x', indexShape: [64], channels: 3 },
    batch: 1,
    encoderOnly: true,
  });
  assert.equal(found, 2 * (embed + cross + self));
});

test('a product in a graph counts as in the formula', () => {
  const graph = input('a', [5, 7]).matmul(input('b', [7, 3]));
  assert.equal(graph.node.operator.flops?.(graph.node, graph.node.attributes), 2 * 5 * 7 * 3);
});
