/** The reference device: every operator's own plain TypeScript, in double precision. Slow; the tests' oracle. */
import { ensure, HiperceiverError } from '../errors/index.js';
import {
  type Graph,
  optimize,
  roundToHalf,
  sizeOf,
  type Tensor,
  type TensorType,
  type Values,
  valuesOf,
} from '../graph/index.js';
import { checkFeed, checkResidency, passesGuard, signatureOf } from './signature.js';
import type { BufferContent, Engine, Program, Residency } from './types.js';

/** Values of the wanted tensors, in double precision. `feeds` gives the inputs by name. */
export function evaluate(graph: Graph, feeds: Record<string, Values>): Map<string, Values> {
  const values = new Map<Tensor, Values>();
  for (const [name, t] of graph.inputs) values.set(t, checkFeed(name, t, feeds[name]));
  for (const node of graph.nodes) {
    if (node.operator.name === 'input') continue;
    const inputs = node.inputs.map((t) => values.get(t)!);
    node.operator
      .evaluate(inputs, node.attributes, node)
      .forEach((v, i) => values.set(node.outputs[i], rounded(v, node.outputs[i])));
  }
  return new Map([...graph.outputs].map(([name, t]) => [name, values.get(t)!]));
}

/** Halves are rounded as a device would store them; floats stay doubles. */
function rounded(values: Values, { dtype }: TensorType): Values {
  return dtype === 'f16' ? (values.map(roundToHalf) as Values) : values;
}

/** The reference device as an engine. */
export class ReferenceEngine implements Engine {
  readonly device = 'reference';
  private readonly buffers = new Map<string, Values>();
  private disposed = false;

  async compile(
    graph: Graph,
    residency: Residency = {},
    constants: ReadonlyMap<string, Values> = new Map(),
  ): Promise<Program> {
    this.checkAlive();
    checkResidency(graph, residency);
    const small = optimize(graph);
    const { inputs, outputs } = signatureOf(small, constants);
    return {
      flops: small.flops,
      run: async (feeds = {}) => {
        this.checkAlive();
        const all: Record<string, Values> = Object.fromEntries(constants);
        for (const name of Object.keys(inputs)) {
          const resident = residency.inputs?.[name];
          all[name] = resident === undefined ? feeds[name] : this.buffer(resident);
        }
        const answer: Record<string, Values> = {};
        const written = new Map<string, Values>();
        for (const [name, values] of evaluate(small, all)) {
          const resident = residency.outputs?.[name];
          const stored = valuesOf(values, outputs[name].dtype);
          if (resident === undefined) answer[name] = stored;
          else written.set(resident, stored);
        }
        const read = new Set(Object.values(residency.inputs ?? {}));
        const isKept = passesGuard(residency, answer);
        for (const [buffer, values] of written) if (isKept || !read.has(buffer)) this.buffers.set(buffer, values);
        return answer;
      },
      dispose: async () => {},
    };
  }

  async write(buffers: Record<string, BufferContent>): Promise<void> {
    this.checkAlive();
    for (const [name, { type, values }] of Object.entries(buffers)) {
      const own = values ? checkFeed(name, type, values).slice() : valuesOf(sizeOf(type.shape), type.dtype);
      this.buffers.set(name, own as Values);
    }
  }

  async read(names: Iterable<string>): Promise<Map<string, Values>> {
    this.checkAlive();
    return new Map([...names].map((name) => [name, this.buffer(name).slice() as Values]));
  }

  async free(names: Iterable<string>): Promise<void> {
    for (const name of names) this.buffers.delete(name);
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.buffers.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private checkAlive(): void {
    ensure(!this.disposed, () => 'The reference engine was disposed.');
  }

  private buffer(name: string): Values {
    const values = this.buffers.get(name);
    if (!values) throw new HiperceiverError(`reference: Buffer "${name}" was never written.`);
    return values;
  }
}
