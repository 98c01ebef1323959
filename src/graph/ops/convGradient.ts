/** Gradients of convolutions, in the forms that are fastest on the engine's kernels (docs/performance.md). */
import { constant, type Tensor } from '../tensor.js';
import { concat } from './layout.js';

/** A convolution, complete: one entry for each spatial axis. */
export interface ConvAttributes {
  strides: number[];
  before: number[];
  after: number[];
  dilations: number[];
  groups: number;
}

/** From so many times more outputs than inputs on, adding up what every output gives is faster than gathering it. */
const GATHERED = 4;
/** Input channels from which on picking every second place, once for each offset, costs less than it saves. */
const STRIDED = 32;
/** Columns of a product from which on more of them make it no faster. */
const COLUMNS = 256;

/** Zeros before and after each spatial axis, as options have them. */
function borders({ before, after }: ConvAttributes): [number, number][] {
  return before.map((n, i) => [n, after[i]]);
}

/** Gradient `[B, C, ...]` of a convolution's input, of the given shape, from that of its output, `[B, O, ...]`. */
export function convInputGradient(
  g: Tensor,
  kernel: Tensor,
  shape: readonly number[],
  attributes: ConvAttributes,
): Tensor {
  const { strides, before, after, dilations, groups } = attributes;
  const reach = kernel.shape.slice(2).map((n, i) => dilations[i] * (n - 1));
  const [outputs, inputs] = kernel.shape;
  const isDense =
    groups === 1 && strides.every((s) => s === 1) && reach.every((r, i) => r >= before[i] && r >= after[i]);
  if (!isDense || outputs > GATHERED * inputs) return transposedTo(g, kernel, shape, attributes);
  const padding = reach.map((r, i) => [r - before[i], r - after[i]] as [number, number]);
  return g.conv(turned(kernel), { padding, dilations });
}

/** Inputs and outputs in each other's place, and every spatial axis backwards. */
function turned(kernel: Tensor): Tensor {
  const swapped = kernel.transpose([1, 0, ...kernel.shape.map((_, axis) => axis).slice(2)]);
  return swapped.shape.reduce((k, n, axis) => {
    if (axis < 2 || n === 1) return k;
    return k.gather(
      constant(
        Int32Array.from({ length: n }, (_, i) => n - 1 - i),
        [n],
        'i32',
      ),
      axis,
    );
  }, swapped);
}

/** The transposed convolution whose result has exactly the shape `target`. */
function transposedTo(g: Tensor, kernel: Tensor, target: readonly number[], attributes: ConvAttributes): Tensor {
  const { strides, before, after, dilations, groups } = attributes;
  const reached = g.shape
    .slice(2)
    .map((n, i) => (n - 1) * strides[i] + dilations[i] * (kernel.shape[i + 2] - 1) + 1 - before[i] - after[i]);
  // Input that the strides never reached has no gradient: zeros behind (ONNX output padding must stay below the stride).
  const missing = target.slice(2).map((n, i) => n - reached[i]);
  const outputPadding = missing.map((n, i) => Math.min(n, strides[i] - 1));
  return g.convTranspose(kernel, { strides, padding: borders(attributes), dilations, groups, outputPadding });
}

/** Gradient `[O, C/groups, ...]` of the kernel between a (large) input `[B, C, ...]` and a (small) output `[B, O, ...]`. */
export function convKernelGradient(
  large: Tensor,
  small: Tensor,
  kernel: readonly number[],
  attributes: ConvAttributes,
): Tensor {
  const { groups, strides } = attributes;
  const isCheap = strides.every((s) => s === 1) || kernel[1] >= STRIDED;
  return groups === 1 && isCheap
    ? kernelGradientByTaps(large, small, kernel, attributes)
    : kernelGradientByGroups(large, small, kernel, attributes);
}

/**
 * A product for each offset in the kernel, or for several where there are few channels: the output's gradient with the input
 * as that offset sees it. As a convolution it would have the whole map for a kernel, and products of a few columns.
 */
function kernelGradientByTaps(
  large: Tensor,
  small: Tensor,
  kernel: readonly number[],
  attributes: ConvAttributes,
): Tensor {
  const { strides, dilations } = attributes;
  const [outputs, inputs, ...size] = kernel;
  const [batch, , ...space] = small.shape;
  const padded = large.pad([[0, 0], [0, 0], ...borders(attributes)]);
  const g = small.reshape([batch, outputs, -1]);
  const seenFrom = (tap: readonly number[]) => {
    const ranges = tap.map((t, i): [number, number, number] => {
      const from = t * dilations[i];
      return [from, from + (space[i] - 1) * strides[i] + 1, strides[i]];
    });
    return padded.slice([undefined, undefined, ...ranges]).reshape([batch, inputs, -1]);
  };
  const taps = offsets(size);
  const together = Math.max(1, Math.floor(COLUMNS / inputs));
  const products: Tensor[] = [];
  for (let i = 0; i < taps.length; i += together) {
    const seen = taps.slice(i, i + together).map(seenFrom);
    products.push(g.matmul(concat(seen, 1), { transB: true }).sum(0).reshape([outputs, seen.length, inputs]));
  }
  return concat(products, 1).transpose([0, 2, 1]).reshape(kernel);
}

/** All places in a box, in row-major order. */
function offsets(size: readonly number[]): number[][] {
  return size.reduce<number[][]>(
    (places, n) => places.flatMap((place) => Array.from({ length: n }, (_, i) => [...place, i])),
    [[]],
  );
}

/**
 * One grouped convolution in which batch and channels change places and strides become dilations: for each group, input
 * channels take the place of the batch and the batch that of the channels.
 */
function kernelGradientByGroups(
  large: Tensor,
  small: Tensor,
  kernel: readonly number[],
  attributes: ConvAttributes,
): Tensor {
  const { strides, dilations, groups } = attributes;
  const batch = large.shape[0];
  const inPerGroup = kernel[1];
  const outPerGroup = kernel[0] / groups;
  const space = (t: Tensor) => t.shape.slice(2);
  const spatial = (offset: number) => space(large).map((_, i) => i + offset);
  const images = large
    .reshape([batch, groups, inPerGroup, ...space(large)])
    .transpose([2, 1, 0, ...spatial(3)])
    .reshape([inPerGroup, groups * batch, ...space(large)]);
  const filters = small
    .reshape([batch, groups, outPerGroup, ...space(small)])
    .transpose([1, 2, 0, ...spatial(3)])
    .reshape([groups * outPerGroup, batch, ...space(small)]);
  const padding = borders(attributes);
  const all = images.conv(filters, { strides: dilations, padding, dilations: strides, groups });
  return all.slice(all.shape.map((n, i) => [0, i < 2 ? n : kernel[i]])).transpose([1, 0, ...spatial(2)]);
}
