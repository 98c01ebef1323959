/** Layers with their gradients: softmax, normalisations, activations, attention, patch embedding. */
import { batchNorm, batchNormInference, groupNorm, type Tensor } from '../../graph/index.js';
import { gelu, geluTanh, leakyRelu, quickGelu, scaledDotProductAttention, silu } from '../../nn/index.js';
import { backward, CaseInputs } from '../runGraph.js';
import { type BlockKind, compareOutputs, numberIn, outputsLike } from './blockKind.js';

/** softmax_axis1, log_softmax_axis_last, … and their gradients grad_softmax, grad_log_softmax. */
const softmax: BlockKind = {
  recognises: /^(log_)?softmax_axis/,
  run: async (golden, comparison, engine) => {
    const inputs = new CaseInputs(golden);
    const [x, upstream] = [inputs.of('x'), inputs.of('grad_out')];
    const outputs: Record<string, Tensor> = {};
    for (const [name, log, at] of outputsLike(golden, /^(log_)?softmax_axis_?(last|-?\d+)$/)) {
      const axis = at === 'last' ? -1 : Number(at);
      outputs[name] = log ? x.logSoftmax(axis) : x.softmax(axis);
      [outputs[`grad_${log}softmax`]] = backward(outputs[name], upstream, [x]);
    }
    await compareOutputs(comparison, engine, inputs, outputs);
  },
};

/** y_eps1e-5, grad_x_eps1e-5, grad_weight_eps1e-5, grad_bias_eps1e-5 for any epsilon. */
const layerNorm: BlockKind = {
  recognises: /^y_eps/,
  run: async (golden, comparison, engine) => {
    const inputs = new CaseInputs(golden);
    const [x, weight, bias, upstream] = ['x', 'weight', 'bias', 'grad_out'].map((name) => inputs.of(name));
    const outputs: Record<string, Tensor> = {};
    for (const [name, epsilon] of outputsLike(golden, /^y_eps(.+)$/)) {
      outputs[name] = x.layerNorm(weight, bias, numberIn(epsilon));
      const grads = backward(outputs[name], upstream, [x, weight, bias]);
      ['x', 'weight', 'bias'].forEach((of, i) => {
        outputs[`grad_${of}_eps${epsilon}`] = grads[i];
      });
    }
    await compareOutputs(comparison, engine, inputs, outputs);
  },
};

/** Batch norm in training (with its running statistics) and evaluation, and group norm. */
const batchAndGroupNorm: BlockKind = {
  recognises: /^(bn_train|bn_eval|gn)$/,
  run: async (golden, comparison, engine) => {
    const { eps, momentum, groups } = golden.config;
    const inputs = new CaseInputs(golden);
    const [x, weight, bias, upstream] = ['x', 'weight', 'bias', 'grad_out'].map((name) => inputs.of(name));
    const outputs: Record<string, Tensor> = {};
    const add = (prefix: string, name: string, y: Tensor) => {
      const [forX, forWeight, forBias] = backward(y, upstream, [x, weight, bias]);
      Object.assign(outputs, {
        [name]: y,
        [`${prefix}_grad_x`]: forX,
        [`${prefix}_grad_weight`]: forWeight,
        [`${prefix}_grad_bias`]: forBias,
      });
    };
    const [runningMean, runningVariance] = ['running_mean', 'running_var'].map((name) => inputs.of(name));
    if (comparison.wants('output.bn_train')) {
      const { y, mean, variance } = batchNorm(x, weight, bias, eps);
      add('bn', 'bn_train', y);
      // The batch is normalised with its biased variance; the running average takes the unbiased one.
      const count = x.size / x.shape[1];
      const running = (before: Tensor, batch: Tensor) => before.mul(1 - momentum).add(batch.mul(momentum));
      outputs.bn_running_mean_after = running(runningMean, mean);
      outputs.bn_running_var_after = running(runningVariance, variance.mul(count / (count - 1)));
    }
    if (comparison.wants('output.bn_eval'))
      outputs.bn_eval = batchNormInference(x, weight, bias, runningMean, runningVariance, eps);
    if (comparison.wants('output.gn')) add('gn', 'gn', groupNorm(x, weight, bias, groups, eps));
    await compareOutputs(comparison, engine, inputs, outputs);
  },
};

const activationsByName: Record<string, (x: Tensor) => Tensor> = {
  gelu_exact: gelu,
  gelu_tanh: geluTanh,
  squared_relu: (x) => x.squaredRelu(),
  relu: (x) => x.relu(),
  silu,
  quick_gelu: quickGelu,
};

/** Every activation and its gradient; leaky_relu_0_2 has the slope 0.2. */
const activation: BlockKind = {
  recognises: /^(gelu_exact|gelu_tanh|squared_relu|relu|leaky_relu_(.+)|silu|quick_gelu)$/,
  run: async (golden, comparison, engine) => {
    const inputs = new CaseInputs(golden);
    const [x, upstream] = [inputs.of('x'), inputs.of('grad_out')];
    const outputs: Record<string, Tensor> = {};
    for (const [name, , slope] of outputsLike(golden, activation.recognises)) {
      outputs[name] = slope ? leakyRelu(x, numberIn(slope)) : activationsByName[name](x);
      [outputs[`grad_${name}`]] = backward(outputs[name], upstream, [x]);
    }
    await compareOutputs(comparison, engine, inputs, outputs);
  },
};

/** A torch linear layer: weight `[out, in]`. */
const linear = (x: Tensor, weight: Tensor, bias: Tensor) => x.matmul(weight, { transB: true }).add(bias);

/** torch's MultiheadAttention: with bias and key padding mask (and gradients), without, and causal on the queries alone. */
const multiHeadAttention: BlockKind = {
  recognises: /^y_(masked|unmasked|self_causal)$/,
  run: async (golden, comparison, engine) => {
    const { heads } = golden.config;
    const inputs = new CaseInputs(golden);
    const names = ['query', 'key', 'value', 'in_proj_weight', 'in_proj_bias', 'out_proj_weight', 'out_proj_bias'];
    const tensors = names.map((name) => inputs.of(name));
    const [query, key, value, inWeight, inBias, outWeight, outBias] = tensors;
    const weights = inWeight.split(3, 0);
    const biases = inBias.split(3, 0);
    const attend = (
      q: Tensor,
      k: Tensor,
      v: Tensor,
      options: { bias?: Tensor; keyMask?: Tensor; causal?: boolean },
    ) => {
      const [pq, pk, pv] = [q, k, v].map((x, i) => linear(x, weights[i], biases[i]));
      const { output, weights: attention } = scaledDotProductAttention(pq, pk, pv, { heads, ...options });
      return { y: linear(output, outWeight, outBias), attention };
    };
    const given = inputs.maybe('attn_bias');
    // torch also takes one bias for each example and head, as [B·H, N, M].
    const bias = given?.rank === 3 ? given.reshape([-1, heads, ...given.shape.slice(1)]) : given;
    const masked = attend(query, key, value, { bias, keyMask: inputs.maybe('key_padding_mask', 'bool') });
    const grads = backward(masked.y, inputs.of('grad_out'), tensors);
    await compareOutputs(comparison, engine, inputs, {
      y_masked: masked.y,
      attn_masked: masked.attention,
      y_unmasked: attend(query, key, value, {}).y,
      y_self_causal: attend(query, query, query, { causal: true }).y,
      ...Object.fromEntries(names.map((name, i) => [`grad_${name}`, grads[i]])),
    });
  },
};

/** Patch embedding as a convolution: image and video to tokens in row-major order, and a map of overlapping patches. */
const patchEmbedding: BlockKind = {
  recognises: /^(tokens[23]d|overlap_map)$/,
  run: async (golden, comparison, engine) => {
    const inputs = new CaseInputs(golden);
    const { overlap, patch2d, tubelet } = golden.config;
    const bias = inputs.of('bias');
    const outputs: Record<string, Tensor> = {};
    const image = inputs.maybe('image');
    const tokens = (signal: string, x: Tensor, axes: '2d' | '3d', strides: number[]) => {
      const weight = inputs.of(`weight${axes}`);
      const map = x.conv(weight, { strides });
      const y = map.reshape([map.shape[0], map.shape[1], -1]).transpose([0, 2, 1]).add(bias);
      const [forX, forWeight, forBias] = backward(y, inputs.of(`grad_out${axes}`), [x, weight, bias]);
      Object.assign(outputs, {
        [`tokens${axes}`]: y,
        [`grad_${signal}`]: forX,
        [`grad_weight${axes}`]: forWeight,
        [`grad_bias${axes}`]: forBias,
      });
    };
    if (image && comparison.wants('output.tokens2d')) tokens('image', image, '2d', patch2d);
    if (comparison.wants('output.tokens3d')) tokens('video', inputs.of('video'), '3d', tubelet);
    if (image && comparison.wants('output.overlap_map')) {
      const each = (value: number | number[]) => (typeof value === 'number' ? [value, value] : value);
      const padding = each(overlap.padding ?? 0).map((n): [number, number] => [n, n]);
      const map = image.conv(inputs.of('weight_overlap'), { strides: each(overlap.stride), padding });
      outputs.overlap_map = map.add(bias.reshape([-1, 1, 1]));
    }
    await compareOutputs(comparison, engine, inputs, outputs);
  },
};

/** The kinds of this file. */
export const layerKinds: readonly BlockKind[] = [
  softmax,
  layerNorm,
  batchAndGroupNorm,
  activation,
  multiHeadAttention,
  patchEmbedding,
];
