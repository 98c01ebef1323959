/** Normalisations. Layer norm is an operator (ONNX Runtime fuses it); batch and group norm are made of smaller ones. */
import { ensure } from '../../errors/index.js';
import type { Emitter } from '../emitter.js';
import { show } from '../shape.js';
import { applyAll, defineOperator, emptyValues, type Node, type Tensor } from '../tensor.js';

const layerNormOperator = defineOperator<{ epsilon: number }>({
  name: 'layerNorm',
  infer: ([x, scale, offset]) => {
    const channels = x.shape[x.rank - 1];
    ensure(
      scale.rank === 1 && offset.rank === 1 && scale.shape[0] === channels && offset.shape[0] === channels,
      () =>
        `layerNorm: scale ${show(scale.shape)} and offset ${show(offset.shape)} must be [${channels}] for ${show(x.shape)}.`,
    );
    const statistics = { shape: [...x.shape.slice(0, -1), 1], dtype: 'f32' as const };
    return [x, statistics, statistics];
  },
  evaluate: ([x, scale, offset], { epsilon }, node) => {
    const [y, means, inverses] = node.outputs.map(emptyValues);
    const channels = scale.length;
    for (let row = 0; row < means.length; row++) {
      let mean = 0;
      for (let c = 0; c < channels; c++) mean += x[row * channels + c] / channels;
      let variance = 0;
      for (let c = 0; c < channels; c++) variance += (x[row * channels + c] - mean) ** 2 / channels;
      means[row] = mean;
      inverses[row] = 1 / Math.sqrt(variance + epsilon);
      for (let c = 0; c < channels; c++) {
        y[row * channels + c] = (x[row * channels + c] - mean) * inverses[row] * scale[c] + offset[c];
      }
    }
    return [y, means, inverses];
  },
  gradient: ({ inputs: [x, scale, offset], outputs: [, mean, inverse], gradients: [g, gMean, gInverse], needs }) => {
    const normalized = x.sub(mean).mul(inverse);
    const forX = () => {
      const parts: Tensor[] = [];
      if (g) {
        const d = g.mul(scale);
        parts.push(inverse.mul(d.sub(d.mean(-1, true)).sub(normalized.mul(d.mul(normalized).mean(-1, true)))));
      }
      // The statistics have gradients only where a gradient is differentiated once more.
      if (gMean) parts.push(gMean.div(scale.size).expand(x.shape));
      if (gInverse) parts.push(normalized.mul(gInverse.mul(inverse).mul(inverse).div(-scale.size)));
      return parts.reduce((a, b) => a.add(b));
    };
    return [
      needs[0] ? forX() : undefined,
      needs[1] && g ? g.mul(normalized).sumTo(scale.shape) : undefined,
      needs[2] && g ? g.sumTo(offset.shape) : undefined,
    ];
  },
  lower: (emit, node, { epsilon }) => {
    const [x, ...affine] = node.inputs.map((t) => emit.name(t));
    if (isNarrow(emit, node.inputs[0])) lowerNarrow(emit, node, affine, epsilon);
    else lowerLayerNorm(emit, node, [x, ...affine], epsilon);
  },
});

const normalizeOperator = defineOperator<{ epsilon: number }>({
  name: 'normalize',
  infer: ([x]) => {
    const statistics = { shape: [...x.shape.slice(0, -1), 1], dtype: 'f32' as const };
    return [x, statistics, statistics];
  },
  evaluate: ([x], { epsilon }, node) => {
    const [{ shape }] = node.outputs;
    const channels = shape[shape.length - 1];
    const [one, zero] = [1, 0].map((value) => new Float64Array(channels).fill(value));
    return layerNormOperator.evaluate([x, one, zero], { epsilon }, node);
  },
  gradient: ({ inputs: [x], outputs: [y, , inverse], gradients: [g, gMean, gInverse] }) => {
    const parts: Tensor[] = [];
    if (g)
      parts.push(
        g
          .sub(y.mul(g.mul(y).mean(-1, true)))
          .sub(g.mean(-1, true))
          .mul(inverse),
      );
    const channels = x.shape[x.rank - 1];
    if (gMean) parts.push(gMean.div(channels).expand(x.shape));
    if (gInverse) parts.push(y.mul(gInverse.mul(inverse).mul(inverse).div(-channels)));
    return [parts.reduce((a, b) => a.add(b))];
  },
  lower: (emit, node, { epsilon }) => {
    const [x] = node.inputs;
    const channels = x.shape[x.rank - 1];
    if (isNarrow(emit, x)) return lowerNarrow(emit, node, [], epsilon);
    const one = emit.constant(new Float32Array(channels).fill(1), { shape: [channels], dtype: x.dtype });
    lowerLayerNorm(emit, node, [emit.name(x), one], epsilon);
  },
});

/** Most channels of narrow rows, and least values of many of them. */
const NARROW = { channels: 64, values: 2 ** 15 };

/** Whether there are many rows of few channels, for which ONNX Runtime's kernel costs more than the operators that it replaces. */
function isNarrow({ target }: Emitter, x: Tensor): boolean {
  const onCpu = target === 'cpu' || target === 'wasm';
  return onCpu && x.shape[x.rank - 1] <= NARROW.channels && x.size >= NARROW.values;
}

/** The same, operator by operator, each over all rows at once; `affine`: scale and offset, if any. */
function lowerNarrow(emit: Emitter, node: Node, affine: string[], epsilon: number): void {
  const [y, , inverse] = node.outputs.map((t) => emit.name(t));
  const centred = lowerStatistics(emit, node, emit.name(node.inputs[0]), epsilon);
  if (affine.length === 0) {
    emit.node('Mul', [centred, inverse], {}, y);
    return;
  }
  const [scale, offset] = affine;
  emit.node('Add', [emit.node('Mul', [emit.node('Mul', [centred, inverse]), scale]), offset], {}, y);
}

/** LayerNormalization of `inputs` (x, scale, offset), and its statistics where something reads them. */
function lowerLayerNorm(emit: Emitter, node: Node, inputs: string[], epsilon: number): void {
  const wantsStatistics = emit.isUsed(node, 1) || emit.isUsed(node, 2);
  const [y, mean, inverse] = node.outputs.map((t) => emit.name(t));
  const fusedStatistics = emit.target === 'cpu' || emit.target === 'wasm';
  const outputs = wantsStatistics && fusedStatistics ? [y, mean, inverse] : [y];
  emit.nodes('LayerNormalization', inputs, outputs, { axis: -1, epsilon: { float: epsilon } });
  if (wantsStatistics && !fusedStatistics) {
    // A mean in halves would overflow.
    const x = node.inputs[0].dtype === 'f16' ? emit.node('Cast', [inputs[0]], { to: 1 }) : inputs[0];
    lowerStatistics(emit, node, x, epsilon);
  }
}

/** Mean and inverse deviation of every row of `x`, as the node's outputs 1 and 2. Returns `x` without its mean. */
function lowerStatistics(emit: Emitter, node: Node, x: string, epsilon: number): string {
  const [, mean, inverse] = node.outputs.map((t) => emit.name(t));
  const axes = emit.int64([-1]);
  emit.node('ReduceMean', [x, axes], { keepdims: 1 }, mean);
  const centred = emit.node('Sub', [x, mean]);
  const variance = emit.node('ReduceMean', [emit.node('Mul', [centred, centred]), axes], { keepdims: 1 });
  emit.node('Reciprocal', [emit.node('Sqrt', [emit.node('Add', [variance, emit.float(epsilon)])])], {}, inverse);
  return centred;
}

/** Normalises the last axis to mean 0 and (biased) variance 1, then scales and shifts: `[..., C]`, scale and offset `[C]`. */
export function layerNorm(x: Tensor, scale: Tensor, offset: Tensor, epsilon = 1e-5): Tensor {
  return applyAll(layerNormOperator, [x, scale, offset], { epsilon })[0];
}

/** Normalises the last axis to mean 0 and (biased) variance 1: `[..., C]`. */
export function normalize(x: Tensor, epsilon = 1e-5): Tensor {
  return applyAll(normalizeOperator, [x], { epsilon })[0];
}

/** Normalised values, and what they were normalised by. */
export interface BatchNormResult {
  y: Tensor;
  /** Batch mean and biased variance, [C]. */
  mean: Tensor;
  variance: Tensor;
}

/** Batch norm in training: statistics of this batch over all axes but the channel axis 1. `x` [B, C, ...]. */
export function batchNorm(x: Tensor, scale: Tensor, offset: Tensor, epsilon = 1e-5): BatchNormResult {
  const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const mean = x.mean(axes);
  const centred = x.sub(perChannel(mean, x));
  const variance = centred.mul(centred).mean(axes);
  const normalized = centred.div(perChannel(variance.add(epsilon).sqrt(), x));
  return { y: normalized.mul(perChannel(scale, x)).add(perChannel(offset, x)), mean, variance };
}

/** Batch norm at inference, with given statistics [C]. */
export function batchNormInference(
  x: Tensor,
  scale: Tensor,
  offset: Tensor,
  mean: Tensor,
  variance: Tensor,
  epsilon = 1e-5,
): Tensor {
  const factor = scale.div(variance.add(epsilon).sqrt());
  return x.mul(perChannel(factor, x)).add(perChannel(offset.sub(mean.mul(factor)), x));
}

/** Group norm: statistics of each example over each of `groups` equal parts of the channels. `x` [B, C, ...]. */
export function groupNorm(x: Tensor, scale: Tensor, offset: Tensor, groups: number, epsilon = 1e-5): Tensor {
  ensure(x.shape[1] % groups === 0, () => `groupNorm: ${x.shape[1]} channels do not divide into ${groups} groups.`);
  const rows = x.reshape([x.shape[0], groups, -1]);
  const centred = rows.sub(rows.mean(-1, true));
  const normalized = centred.div(centred.mul(centred).mean(-1, true).add(epsilon).sqrt());
  return normalized.reshape(x.shape).mul(perChannel(scale, x)).add(perChannel(offset, x));
}

/** [C] → [C, 1, ...], to broadcast over `x` [B, C, ...]. */
function perChannel(values: Tensor, x: Tensor): Tensor {
  return values.reshape([x.shape[1], ...x.shape.slice(2).map(() => 1)]);
}
