/** The ten lines of the README: a graph, its gradient, a device. `node dist/examples/autodiff.js` */
import { createEngine, Graph, gradients, input } from 'hiperceiver';

const x = input('x', [4, 8]);
const w = input('w', [8, 3]);
const loss = x.matmul(w).softmax().log().mean().neg();
const [dw] = gradients(loss, [w]);

await using engine = await createEngine({ device: 'cpu' });
const program = await engine.compile(Graph.of({ loss, dw }));
const results = await program.run({
  x: new Float32Array(32).fill(0.5),
  w: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
});
console.log(results.loss, results.dw);
