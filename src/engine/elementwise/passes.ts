/** The engine's side of an element-wise plan: passes over buffers in the heap. */
import type { TensorType } from '../../graph/index.js';
import { assemble } from './assembler.js';
import type { Heap } from './heap.js';
import { kernelFunction } from './kernel.js';
import type { ElementwisePlan, ScalarSource } from './plan.js';

type Kernel = (...parameters: number[]) => number;

/** A plan made ready. Its buffers have places in the heap. */
export class Passes {
  private constructor(
    private readonly plan: ElementwisePlan,
    private readonly heap: Heap,
    private readonly kernels: Kernel[],
  ) {}

  /** Compiles the plan's kernels (milliseconds); undefined where the heap has no room for its buffers. */
  static async create(plan: ElementwisePlan, heap: Heap): Promise<Passes | undefined> {
    if (!heap.reserve(plan.buffers, plan.consumed)) return undefined;
    const binary = assemble(plan.kernels.map(kernelFunction)) as Uint8Array<ArrayBuffer>;
    const { instance } = await WebAssembly.instantiate(binary, { e: { m: heap.memory } });
    const kernels = plan.kernels.map((_, i) => instance.exports[i] as Kernel);
    return new Passes(plan, heap, kernels);
  }

  /** All buffers that the passes read or write. */
  get buffers(): string[] {
    return Object.keys(this.plan.buffers);
  }

  /** The type of a buffer that a run creates; undefined for one that must be there. */
  created(buffer: string): TensorType | undefined {
    const shape = this.plan.created[buffer];
    return shape && { shape, dtype: 'f32' };
  }

  /** Runs all passes; returns the values of the plan's returned scalars. */
  run(feeds: Record<string, ArrayLike<number>>): Record<string, number> {
    const { plan } = this;
    const known = new Map<number, number>();
    const sums = new Map<number, number>();
    const scalar = (index: number): number => {
      let value = known.get(index);
      if (value === undefined) {
        value = Math.fround(this.compute(plan.scalars[index], scalar, feeds, sums));
        known.set(index, value);
      }
      return value;
    };
    plan.passes.forEach(({ kernel, count, buffers, scalars }, i) => {
      const addresses = buffers.map((name) => this.heap.address(name));
      sums.set(i, this.kernels[kernel](count, ...addresses, ...scalars.map(scalar)));
    });
    return Object.fromEntries(Object.entries(plan.returned).map(([name, index]) => [name, scalar(index)]));
  }

  private compute(
    source: ScalarSource,
    scalar: (index: number) => number,
    feeds: Record<string, ArrayLike<number>>,
    sums: ReadonlyMap<number, number>,
  ): number {
    if (source.kind === 'fed') return feeds[source.name][0];
    if (source.kind === 'constant') return source.value;
    if (source.kind === 'sum') return source.passes.reduce((total, pass) => total + sums.get(pass)!, 0);
    const [a, b] = source.scalars.map(scalar);
    switch (source.operator) {
      case 'add':
        return a + b;
      case 'sub':
        return a - b;
      case 'mul':
        return a * b;
      case 'div':
        return a / b;
      case 'maximum':
        return Math.max(a, b);
      case 'minimum':
        return Math.min(a, b);
      case 'neg':
        return -a;
      case 'abs':
        return Math.abs(a);
      case 'sqrt':
        return Math.sqrt(a);
    }
  }
}
