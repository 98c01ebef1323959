/**
 * Whether a device computes what it should. Drivers of graphics cards, above all in half precision, have given wrong numbers
 * without a word; a training run then fails hours later, or never shows it. So a few operators with known answers run first.
 */
import { HiperceiverError } from '../errors/index.js';
import { Graph, gradients, halfPrecision, input, layerNorm, optimize, type Values } from '../graph/index.js';
import { evaluate } from './reference.js';
import type { DeviceName, Engine } from './types.js';

/** Bits of the floats that are checked. */
export type Precision = 'f32' | 'f16';

/** Largest error, relative to an output's largest value. */
const TOLERANCE: Record<Precision, number> = { f32: 1e-3, f16: 2e-2 };

/**
 * Runs the operators that training stands on and compares them with the reference.
 * @throws HiperceiverError naming the first operator that is wrong and the way out
 */
export async function selfCheck(engine: Engine, precision: Precision = 'f32'): Promise<void> {
  const { graph, feeds } = checkedGraph(precision);
  const expected = evaluate(graph, feeds);
  const program = await engine.compile(graph);
  const found = await program.run(feeds);
  await program.dispose();
  for (const [operator, values] of expected) {
    const size = largest(values);
    const error = largest(values.map((v, i) => v - found[operator][i]));
    if (!(error <= TOLERANCE[precision] * size)) throw disagreement(engine.device, precision, operator, error / size);
  }
}

function disagreement(device: DeviceName, precision: Precision, operator: string, error: number): HiperceiverError {
  const amount = Number.isFinite(error) ? `off by ${(100 * error).toPrecision(2)} %` : 'not a number';
  const [what, ways] =
    precision === 'f16'
      ? [`${operator} in half precision`, ['--precision f32', '--device cpu']]
      : [operator, device === 'cpu' ? ['--device wasm'] : ['--device cpu']];
  const update = device === 'webgpu' ? 'update the graphics driver, or ' : '';
  return new HiperceiverError(
    `${device} computes ${what} wrongly here (${amount}): ${update}use ${ways.join(' or ')}.`,
  );
}

/** Self-attention over embedded positions, and what it learns: every step under its operator's name, the first first. */
export function checkedGraph(precision: Precision = 'f32'): { graph: Graph; feeds: Record<string, Values> } {
  const [table, w, out] = [input('table', [30, 32]), input('w', [32, 32]), input('out', [32, 32])];
  const [left, right] = [input('left', [9, 11]), input('right', [11, 9])];
  const [scale, offset] = [input('scale', [32]), input('offset', [32])];
  const rows = table.gather(input('places', [24], 'i32'));
  // The squares of such rows are beyond the range of halves.
  const normalized = layerNorm(rows.mul(300), scale, offset);
  const projected = normalized.matmul(w);
  const weights = projected.matmul(projected, { transB: true, alpha: 0.2 }).softmax();
  const read = weights.matmul(projected);
  const y = rows.add(read.relu()).matmul(out);
  const loss = y.mul(y).mean();
  const [dTable, dW] = gradients(loss, [table, w]);
  const graph = Graph.of({
    gather: rows,
    'layer norm': normalized,
    'a matrix product': projected,
    softmax: weights,
    'a matrix product of odd size': left.matmul(right),
    mean: loss,
    "the gradient of a matrix product's weights": dW,
    'scatter-add': dTable,
  });
  const feeds = Object.fromEntries(
    [...graph.inputs].map(([name, t]) => [
      name,
      t.dtype === 'i32'
        ? Int32Array.from({ length: t.size }, (_, i) => (i * i) % 30)
        : Float32Array.from({ length: t.size }, (_, i) => Math.sin(1 + i * 1.7)),
    ]),
  );
  return { graph: precision === 'f16' ? halfPrecision(optimize(graph), () => true) : graph, feeds };
}

/** The largest magnitude; infinite where something is not a number. */
function largest(values: Values): number {
  let most = 0;
  for (const v of values) if (!(Math.abs(v) <= most)) most = Number.isNaN(v) ? Number.POSITIVE_INFINITY : Math.abs(v);
  return most;
}
