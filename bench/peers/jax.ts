/** The block in @jax-js/jax on its WebAssembly device. Runs as a process of its own. */
import type { BlockTensor } from '../block.js';
import { type BlockPeerSpec, importFrom, serve } from './serve.js';

/** The part of jax-js that is used; the package is no dependency, so its types are not here. */
interface Arr {
  /** The same array once more: every use takes one reference. */
  readonly ref: Arr;
  add(other: Arr | number): Arr;
  mul(other: Arr | number): Arr;
  reshape(shape: number[]): Arr;
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Tree = Record<string, Arr>;
interface Jax {
  numpy: {
    array(values: Float32Array, options: { shape: number[] }): Arr;
    matmul(a: Arr, b: Arr): Arr;
    square(a: Arr): Arr;
    mean(a: Arr): Arr;
    transpose(a: Arr, permutation: number[]): Arr;
  };
  nn: {
    relu(a: Arr): Arr;
    standardize(a: Arr, axis: number, options: { epsilon: number }): Arr;
    softmax(a: Arr, axis: number): Arr;
  };
  jit<F>(f: F): F;
  grad(f: (parameters: Tree, x: Arr) => Arr): (parameters: Tree, x: Arr) => Tree;
  init(device: string): Promise<string[]>;
  defaultDevice(device: string): string;
  blockUntilReady<T>(tree: T): Promise<T>;
}

// Node 20 has no navigator, which the library asks for its user agent.
if (typeof navigator === 'undefined') Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Node' } });

await serve(async ({ block, folder }: BlockPeerSpec, tensors: Map<string, BlockTensor>) => {
  const { module, version } = await importFrom(folder, '@jax-js/jax');
  const jax = module as Jax;
  const np = jax.numpy;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const { groups, latents, channels, heads } = block;
  const load = ({ shape, values }: BlockTensor) => np.array(values, { shape });
  const x = load(tensors.get('x')!);
  const parameters = Object.fromEntries(
    [...tensors].filter(([name]) => name !== 'x').map(([name, tensor]) => [name, load(tensor)]),
  );
  const rows = groups * latents;

  const compute = (p: Tree, input: Arr): Arr => {
    const linear = (a: Arr, name: string) => np.matmul(a, p[`${name}.w`]).add(p[`${name}.b`]);
    const norm = (a: Arr, name: string) =>
      jax.nn.standardize(a, -1, { epsilon: 1e-5 }).mul(p[`${name}.scale`]).add(p[`${name}.offset`]);
    const flat = input.reshape([rows, channels]);
    const n = norm(flat.ref, 'norm');
    // Written out: the library's own attention uses iterators' methods, which Node has from version 22 on.
    const split = (a: Arr, order: number[]) =>
      np.transpose(a.reshape([groups, latents, heads, channels / heads]), order);
    const q = split(linear(n.ref, 'query'), [0, 2, 1, 3]).mul(1 / Math.sqrt(channels / heads));
    const k = split(linear(n.ref, 'key'), [0, 2, 3, 1]);
    const v = split(linear(n, 'value'), [0, 2, 1, 3]);
    const read = np.transpose(np.matmul(jax.nn.softmax(np.matmul(q, k), -1), v), [0, 2, 1, 3]);
    const a = flat.add(linear(read.reshape([rows, channels]), 'output'));
    const hidden = np.square(jax.nn.relu(linear(norm(a.ref, 'mlp.norm'), 'mlp.hidden')));
    return a.add(linear(hidden, 'mlp.output'));
  };
  const forward = jax.jit(compute);
  const gradient = jax.jit(jax.grad((p, input) => np.mean(np.square(compute(p, input)))));
  const owned = (): [Tree, Arr] => [
    Object.fromEntries(Object.entries(parameters).map(([name, a]) => [name, a.ref])),
    x.ref,
  ];
  return {
    version,
    device: 'WebAssembly, compiled with jit',
    forward: async () => {
      const y = forward(...owned());
      await jax.blockUntilReady(y);
      y.dispose();
    },
    gradient: async () => {
      const found = gradient(...owned());
      await jax.blockUntilReady(found);
      for (const g of Object.values(found)) g.dispose();
    },
    output: () => forward(...owned()).data(),
  };
});
