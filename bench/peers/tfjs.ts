/** The block in TensorFlow.js on its WebAssembly backend. Runs as a process of its own. */

import type { BlockTensor } from '../block.js';
import { type BlockPeerSpec, importFrom, serve } from './serve.js';

/** The part of TensorFlow.js that is used; the package is no dependency, so its types are not here. */
interface Tensor {
  add(other: Tensor | number): Tensor;
  sub(other: Tensor): Tensor;
  mul(other: Tensor | number): Tensor;
  div(other: Tensor | number): Tensor;
  sqrt(): Tensor;
  square(): Tensor;
  relu(): Tensor;
  mean(): Tensor;
  softmax(axis: number): Tensor;
  reshape(shape: number[]): Tensor;
  transpose(permutation: number[]): Tensor;
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface TensorFlow {
  tensor(values: Float32Array, shape: number[]): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  moments(x: Tensor, axis: number, keepDims: boolean): { mean: Tensor; variance: Tensor };
  tidy<T>(run: () => T): T;
  grads(f: (...parameters: Tensor[]) => Tensor): (parameters: Tensor[]) => Tensor[];
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
}

await serve(async ({ block, folder }: BlockPeerSpec, tensors: Map<string, BlockTensor>) => {
  const { module, version } = await importFrom(folder, '@tensorflow/tfjs');
  await importFrom(folder, '@tensorflow/tfjs-backend-wasm');
  const tf = ((module as { default?: TensorFlow }).default ?? module) as TensorFlow;
  if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend did not start');
  await tf.ready();
  const { groups, latents, channels, heads } = block;
  const names = [...tensors.keys()].filter((name) => name !== 'x');
  const load = (name: string) => tf.tensor(tensors.get(name)!.values, tensors.get(name)!.shape);
  const x = load('x');
  const parameters = names.map(load);

  const compute = (...values: Tensor[]): Tensor => {
    const p = Object.fromEntries(names.map((name, i) => [name, values[i]]));
    const linear = (input: Tensor, name: string) => {
      const [inputs, outputs] = tensors.get(`${name}.w`)!.shape;
      const rows = tf.matMul(input.reshape([-1, inputs]), p[`${name}.w`]).add(p[`${name}.b`]);
      return rows.reshape([groups, latents, outputs]);
    };
    const norm = (input: Tensor, name: string) => {
      const { mean, variance } = tf.moments(input, -1, true);
      return input.sub(mean).div(variance.add(1e-5).sqrt()).mul(p[`${name}.scale`]).add(p[`${name}.offset`]);
    };
    const split = (input: Tensor) => input.reshape([groups, latents, heads, channels / heads]).transpose([0, 2, 1, 3]);
    const n = norm(x, 'norm');
    const [q, k, v] = ['query', 'key', 'value'].map((name) => split(linear(n, name)));
    const weights = tf
      .matMul(q, k, false, true)
      .mul(1 / Math.sqrt(channels / heads))
      .softmax(-1);
    const read = tf.matMul(weights, v).transpose([0, 2, 1, 3]).reshape([groups, latents, channels]);
    const a = x.add(linear(read, 'output'));
    return a.add(linear(linear(norm(a, 'mlp.norm'), 'mlp.hidden').relu().square(), 'mlp.output'));
  };
  const gradients = tf.grads((...values) =>
    compute(...values)
      .square()
      .mean(),
  );
  const wait = async (results: Tensor[]) => {
    for (const t of results) {
      await t.data();
      t.dispose();
    }
  };
  return {
    version,
    device: 'WebAssembly with SIMD, 1 thread: more need a browser',
    forward: () => wait([tf.tidy(() => compute(...parameters))]),
    gradient: () => wait(tf.tidy(() => gradients(parameters))),
    output: () => tf.tidy(() => compute(...parameters)).data(),
  };
});
