/** The memory estimate against the measured peak of a process of its own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { availableMemory, estimateMemory, estimatePrograms, type MemoryEstimate } from '../../src/engine/memory.js';
import { Graph, input } from '../../src/graph/index.js';
import { attentionStep, mlpStep } from './graphs.js';

const child = fileURLToPath(new URL('./memoryChild.js', import.meta.url));
const skip = existsSync('/proc/self/status') ? false : 'the peak is read from /proc/self/status, which only Linux has';

for (const [what, ...args] of [
  ['wide layers, large batch', 'cpu', 'mlp', '4096', '512', '8'],
  ['large weights, small batch', 'cpu', 'mlp', '256', '2048', '4'],
  ['long attention', 'cpu', 'attention', '2', '1024', '256', '2', '0'],
  ['long attention, recomputed', 'cpu', 'attention', '1', '1024', '256', '6', '1'],
  ['short attention, deep', 'cpu', 'attention', '8', '128', '256', '6', '0'],
  ['attention on wasm', 'wasm', 'attention', '1', '1024', '256', '1', '0'],
]) {
  test(`estimated within 25 % of the measured peak: ${what}`, { skip }, () => {
    const { estimate, measured } = JSON.parse(
      execFileSync(process.execPath, [child, ...args], { encoding: 'utf8' }),
    ) as { estimate: MemoryEstimate; measured: number };
    const ratio = estimate.peak / measured;
    assert.ok(
      ratio > 0.75 && ratio < 1.25,
      `estimated ${Math.round(estimate.peak / 1e6)} MB, measured ${Math.round(measured / 1e6)} MB`,
    );
  });
}

test('a buffer that is read and written counts twice, unless in place; a shared one once', () => {
  const w = input('w', [1000, 1000]);
  const step = { graph: Graph.of({ next: w.matmul(w) }), residency: { inputs: { w: 'w' }, outputs: { next: 'w' } } };
  const look = { graph: Graph.of({ total: w.sum() }), residency: { inputs: { w: 'w' } } };
  assert.equal(estimateMemory(look.graph, look.residency).resident, 4e6);
  assert.equal(estimateMemory(step.graph, step.residency).resident, 8e6);
  assert.equal(estimatePrograms([step, look]).resident, 8e6);
  const scale = { graph: Graph.of({ next: w.mul(0.9) }), residency: step.residency };
  assert.equal(estimateMemory(scale.graph, scale.residency).resident, 4e6);
  assert.equal(estimateMemory(scale.graph, scale.residency).activations, 0);
  assert.equal(estimateMemory(scale.graph, scale.residency, 'webgpu').resident, 8e6);
});

test('recomputing takes less memory, a larger batch more', () => {
  const activations = (batch: number, recompute: boolean) => {
    const { graph, residency } = attentionStep({ batch, length: 128, dim: 64, layers: 6, recompute });
    return estimateMemory(graph, residency).activations;
  };
  assert.ok(activations(4, true) < 0.5 * activations(4, false));
  const growth = activations(8, false) / activations(4, false);
  assert.ok(growth > 1.8 && growth < 2.2, String(growth));
});

test('the parts add up, and values that are returned count as transfers', () => {
  const { graph } = mlpStep(16, 32, 2);
  const { peak, ...parts } = estimateMemory(graph);
  assert.equal(
    peak,
    Object.values(parts).reduce((a, b) => a + b),
  );
  assert.equal(parts.resident, 0);
  assert.ok(parts.transfers >= 2 * 2 * (32 * 32 + 32) * 4);
});

test('the available memory is a part of the whole', () => {
  const available = availableMemory();
  assert.ok(available > 0 && available <= totalmem(), String(available));
});
