/** The block of the table `blocks`: pre-norm self-attention and MLP with squared ReLU, as HiP stacks them. */
import { fold, keyFrom, normal } from '../src/random/index.js';

/** Sizes of a block; its input is `[groups, latents, channels]`. */
export interface BlockSpec {
  groups: number;
  latents: number;
  channels: number;
  heads: number;
  /** Width of the MLP's hidden layer over the channels. */
  widening: number;
}

/** A tensor of the block, its input `x` included. */
export interface BlockTensor {
  shape: number[];
  values: Float32Array;
}

/** Linear maps by name: channels in, channels out. */
function linears({ channels, widening }: BlockSpec): Record<string, [number, number]> {
  const square: [number, number] = [channels, channels];
  const hidden = channels * widening;
  return {
    query: square,
    key: square,
    value: square,
    output: square,
    'mlp.hidden': [channels, hidden],
    'mlp.output': [hidden, channels],
  };
}

/** The input and all parameters: `<linear>.w`, `<linear>.b`, `norm.scale`, `norm.offset`, `mlp.norm.scale`, `mlp.norm.offset`. */
export function blockTensors(spec: BlockSpec): Map<string, BlockTensor> {
  const { groups, latents, channels } = spec;
  const tensors = new Map<string, BlockTensor>();
  const add = (name: string, shape: number[], deviation: number, mean = 0) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = normal(fold(keyFrom(3), name), size).map((v) => mean + deviation * v);
    tensors.set(name, { shape, values });
  };
  add('x', [groups, latents, channels], 1);
  for (const norm of ['norm', 'mlp.norm']) {
    add(`${norm}.scale`, [channels], 0.1, 1);
    add(`${norm}.offset`, [channels], 0.1);
  }
  for (const [name, [inputs, outputs]] of Object.entries(linears(spec))) {
    add(`${name}.w`, [inputs, outputs], 1 / Math.sqrt(inputs));
    add(`${name}.b`, [outputs], 0.1);
  }
  return tensors;
}

/** Floating-point operations of one forward pass, 2 for each multiply-add. */
export function blockFlops(spec: BlockSpec): number {
  const { groups, latents, channels } = spec;
  const maps = Object.values(linears(spec)).reduce((sum, [inputs, outputs]) => sum + inputs * outputs, 0);
  return 2 * groups * latents * (maps + 2 * latents * channels);
}
