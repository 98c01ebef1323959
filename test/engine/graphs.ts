/** Training steps of small models, for tests of speed and memory. */

import type { Residents } from '../../src/engine/types.js';
import {
  Graph,
  gradients,
  input,
  layerNorm,
  rematerialize,
  type Tensor,
  type TensorType,
  type Values,
} from '../../src/graph/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';

export interface TrainingStep {
  graph: Graph;
  residency: Residents;
  /** First values of the parameters, by buffer. */
  parameters: Record<string, { type: TensorType; values: Values }>;
  feeds: Record<string, Values>;
}

/** Gradient descent on the mean square of a network's output: parameters are read and written, batch `x` is fed, `loss` returned. */
function trainingStep(
  shape: number[],
  network: (x: Tensor, parameter: (name: string, shape: number[]) => Tensor) => Tensor,
  learningRate = 0.05,
): TrainingStep {
  const all: Record<string, Tensor> = {};
  const x = input('x', shape);
  const y = network(x, (name, size) => (all[name] = input(name, size)));
  const loss = y.mul(y).mean();
  const names = Object.keys(all);
  const found = gradients(loss, Object.values(all));
  const next = Object.fromEntries(names.map((name, i) => [`next ${name}`, all[name].sub(found[i].mul(learningRate))]));
  const initial = (name: string, t: Tensor) =>
    normal(fold(keyFrom(5), name), t.size).map((v) => v / Math.sqrt(t.shape[0]));
  return {
    graph: Graph.of({ loss, ...next }),
    residency: {
      inputs: Object.fromEntries(names.map((name) => [name, name])),
      outputs: Object.fromEntries(names.map((name) => [`next ${name}`, name])),
    },
    parameters: Object.fromEntries(names.map((name) => [name, { type: all[name], values: initial(name, all[name]) }])),
    feeds: { x: normal(keyFrom(6), x.size) },
  };
}

/** A stack of tanh layers on x [batch, width]. */
export function mlpStep(batch: number, width: number, layers: number): TrainingStep {
  return trainingStep([batch, width], (x, parameter) => {
    let h = x;
    for (let i = 0; i < layers; i++)
      h = h
        .matmul(parameter(`weight ${i}`, [width, width]))
        .add(parameter(`bias ${i}`, [width]))
        .tanh();
    return h;
  });
}

export interface AttentionOptions {
  batch: number;
  length: number;
  dim: number;
  layers: number;
  heads?: number;
  recompute?: boolean;
}

/** A stack of self-attention blocks on x [batch, length, dim]; `recompute`: values are computed again for the backward pass. */
export function attentionStep({
  batch,
  length,
  dim,
  layers,
  heads = 4,
  recompute = false,
}: AttentionOptions): TrainingStep {
  return trainingStep([batch, length, dim], (x, parameter) => {
    const block = (before: Tensor, i: number) => {
      const normed = (t: Tensor, name: string) =>
        layerNorm(t, parameter(`${name} scale ${i}`, [dim]), parameter(`${name} offset ${i}`, [dim]));
      const [q, k, v] = normed(before, 'first')
        .matmul(parameter(`qkv ${i}`, [dim, 3 * dim]))
        .split(3, -1)
        .map((t) => t.reshape([batch, length, heads, dim / heads]).transpose([0, 2, 1, 3]));
      const weights = q
        .matmul(k, { transB: true })
        .mul(1 / Math.sqrt(dim / heads))
        .softmax();
      const mixed = weights.matmul(v).transpose([0, 2, 1, 3]).reshape([batch, length, dim]);
      const middle = before.add(mixed.matmul(parameter(`out ${i}`, [dim, dim])));
      const wide = normed(middle, 'second').matmul(parameter(`up ${i}`, [dim, 4 * dim]));
      const gelu = wide.mul(0.5).mul(wide.mul(Math.SQRT1_2).erf().add(1));
      return middle.add(gelu.matmul(parameter(`down ${i}`, [4 * dim, dim])));
    };
    let h = x;
    for (let i = 0; i < layers; i++) {
      const before = h;
      h = recompute ? rematerialize(() => block(before, i)) : block(before, i);
    }
    return h;
  });
}
