/** Many rows of few channels are normalised operator by operator, few or wide ones by one kernel: the result is the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, evaluate } from '../../src/engine/index.js';
import { Graph, gradients, input, layerNorm, optimize, type Tensor, toOnnx } from '../../src/graph/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

const shapes = { narrow: [2, 1100, 16], few: [2, 11, 16], wide: [2, 275, 128] };
const forms: Record<string, (x: Tensor, scale: Tensor, offset: Tensor) => Tensor> = {
  normalize: (x) => x.normalize(),
  layerNorm,
};

/** The norm's result and all its gradients. */
function graphOf(form: string, shape: number[]): Graph {
  const [x, scale, offset] = [input('x', shape), input('scale', [shape[2]]), input('offset', [shape[2]])];
  const y = forms[form](x, scale, offset);
  const wanted = form === 'layerNorm' ? [x, scale, offset] : [x];
  const grads = gradients(y.mul(input('upstream', shape)).sum(), wanted);
  return Graph.of({ y, ...Object.fromEntries(grads.map((g, i) => [`gradient${i}`, g])) });
}

test('only many narrow rows are taken apart', () => {
  const kernels = (form: string, shape: number[]) =>
    Buffer.from(toOnnx(optimize(graphOf(form, shape)), { target: 'cpu' }))
      .toString('latin1')
      .match(/LayerNormalization/g)?.length ?? 0;
  for (const form of Object.keys(forms)) {
    assert.equal(kernels(form, shapes.narrow), 0, form);
    assert.ok(kernels(form, shapes.few) > 0 && kernels(form, shapes.wide) > 0, form);
  }
});

for (const device of ['cpu', 'wasm'] as const)
  test(`narrow rows and their gradients equal the reference's on ${device}`, async () => {
    await using engine = await createEngine({ device, threads: 1 });
    for (const form of Object.keys(forms)) {
      const graph = graphOf(form, shapes.narrow);
      const feeds = Object.fromEntries(
        [...graph.inputs].map(([name, { size }]) => [
          name,
          // Far from zero, where a variance of squares would lose its digits.
          normal(fold(keyFrom(4), name), size).map((v) => (name === 'x' ? 30 + v : v)),
        ]),
      );
      const program = await engine.compile(graph);
      const got = await program.run(feeds);
      for (const [name, wanted] of evaluate(graph, feeds)) {
        const [most, error] = [wanted, Float64Array.from(wanted, (w, i) => w - got[name][i])].map((all) =>
          Math.max(...Array.from(all, (v) => Math.abs(v))),
        );
        assert.ok(error < 2e-5 * most, `${form} ${name}: ${error} of ${most}`);
      }
    }
  });
