/** The best rate that large fp32 matrix products reach on this machine, in the same engine: what efficiency is measured by. */
import type { Engine, Program } from '../src/engine/index.js';
import { Graph, input } from '../src/graph/index.js';
import { type Contender, timed } from './measure.js';

/** Rows, inner size and columns: a square, and the MLP of a ViT-B at 8 images. */
const SHAPES = [
  [1024, 1024, 1024],
  [1576, 3072, 768],
] as const;
/** Products of each shape in a run: single ones vary a good deal, and the best is what counts. */
const PRODUCTS = 6;

/** Products as a contender, and the best rate that they have reached so far. */
export interface Products extends Contender {
  /** Floating-point operations per second. */
  bestRate(): number;
  dispose(): Promise<void>;
}

/** Compiles the products. Their results stay in buffers, so that no run allocates memory for them. */
export async function createProducts(engine: Engine): Promise<Products> {
  const programs: { program: Program; flops: number; buffers: string[] }[] = [];
  for (const [rows, inner, columns] of SHAPES) {
    const name = `product/${rows}x${inner}x${columns}`;
    const [a, b] = [input('a', [rows, inner]), input('b', [inner, columns])];
    const buffers = ['a', 'b', 'c'].map((part) => `${name}/${part}`);
    const program = await engine.compile(Graph.of({ c: a.matmul(b) }), {
      inputs: { a: buffers[0], b: buffers[1] },
      outputs: { c: buffers[2] },
    });
    const filled = (size: number) => Float32Array.from({ length: size }, (_, i) => 0.5 + 1e-3 * (i % 97));
    await engine.write({
      [buffers[0]]: { type: a, values: filled(a.size) },
      [buffers[1]]: { type: b, values: filled(b.size) },
    });
    programs.push({ program, flops: 2 * rows * inner * columns, buffers });
  }
  let best = 0;
  return {
    name: 'products',
    run: async () => {
      let fastest = Number.POSITIVE_INFINITY;
      for (const { program, flops } of programs) {
        for (let i = 0; i < PRODUCTS; i++) {
          const { ms } = await timed(() => program.run());
          best = Math.max(best, (1000 * flops) / ms);
          fastest = Math.min(fastest, (ms * 1e9) / flops);
        }
      }
      return { msPerGflop: fastest };
    },
    bestRate: () => best,
    dispose: async () => {
      await engine.free(programs.flatMap(({ buffers }) => buffers));
      for (const { program } of programs) await program.dispose();
    },
  };
}
