/** Convolution and transposed convolution over 1, 2 or 3 spatial axes, dense, grouped or depthwise. */
import { ensure } from '../../errors/index.js';
import { forEachOffset, show, sizeOf, stridesOf } from '../shape.js';
import { apply, defineOperator, emptyValues, type Node, type Tensor } from '../tensor.js';
import { type ConvAttributes, convInputGradient, convKernelGradient } from './convGradient.js';
import { lowerVolumeConv, lowerVolumeConvTranspose, transposedByGroups } from './convWebgpu.js';

/** One entry for each spatial axis; strides and dilations of 1 and no padding by default. */
export interface ConvOptions {
  strides?: number[];
  /** Zeros added `[before, after]` on each spatial axis. */
  padding?: [number, number][];
  dilations?: number[];
  groups?: number;
}

interface TransposedAttributes extends ConvAttributes {
  outputPadding: number[];
}

function complete(options: ConvOptions, spatial: number): ConvAttributes {
  const ones = new Array<number>(spatial).fill(1);
  const padding = options.padding ?? ones.map(() => [0, 0] as [number, number]);
  for (const [name, values] of Object.entries({ ...options, padding })) {
    ensure(
      typeof values === 'number' || values.length === spatial,
      () => `Convolution: ${name} has ${(values as unknown[]).length} entries for ${spatial} spatial axes.`,
    );
  }
  return {
    strides: options.strides ?? ones,
    before: padding.map((p) => p[0]),
    after: padding.map((p) => p[1]),
    dilations: options.dilations ?? ones,
    groups: options.groups ?? 1,
  };
}

const onnxAttributes = ({ strides, before, after, dilations, groups }: ConvAttributes) => ({
  strides,
  pads: [...before, ...after],
  dilations,
  group: groups,
});

/**
 * Visits every product of a convolution: offsets of the (large) input, of the kernel and of the (small) output.
 * A transposed convolution is the same set of products with input and output in each other's place.
 */
function forEachProduct(
  large: readonly number[],
  kernel: readonly number[],
  small: readonly number[],
  { strides, before, dilations, groups }: ConvAttributes,
  visit: (large: number, kernel: number, small: number) => void,
): void {
  const [strideL, strideK, strideS] = [large, kernel, small].map(stridesOf);
  const [outChannels, inPerGroup] = kernel;
  const outPerGroup = outChannels / groups;
  const kernelSpace = kernel.slice(2);
  const smallSpace = small.slice(2);
  forEachOffset(smallSpace, [smallSpace.map((_, i) => strideS[i + 2])], ([s], place) => {
    forEachOffset(kernelSpace, [kernelSpace.map((_, i) => strideK[i + 2])], ([k], tap) => {
      let l = 0;
      for (let i = smallSpace.length - 1, p = place, t = tap; i >= 0; i--) {
        const position = (p % smallSpace[i]) * strides[i] - before[i] + (t % kernelSpace[i]) * dilations[i];
        if (position < 0 || position >= large[i + 2]) return;
        l += position * strideL[i + 2];
        p = Math.floor(p / smallSpace[i]);
        t = Math.floor(t / kernelSpace[i]);
      }
      for (let b = 0; b < small[0]; b++) {
        for (let o = 0; o < outChannels; o++) {
          const group = Math.floor(o / outPerGroup);
          for (let c = 0; c < inPerGroup; c++) {
            visit(
              b * strideL[0] + (group * inPerGroup + c) * strideL[1] + l,
              o * strideK[0] + c * strideK[1] + k,
              b * strideS[0] + o * strideS[1] + s,
            );
          }
        }
      }
    });
  });
}

const convOperator = defineOperator<ConvAttributes>({
  name: 'conv',
  infer: ([x, kernel], { strides, before, after, dilations, groups }) => {
    ensure(
      x.rank === kernel.rank &&
        x.rank >= 3 &&
        x.rank <= 5 &&
        x.shape[1] === kernel.shape[1] * groups &&
        kernel.shape[0] % groups === 0,
      () => `conv: kernel ${show(kernel.shape)} in ${groups} groups does not fit input ${show(x.shape)}.`,
    );
    const space = x.shape
      .slice(2)
      .map(
        (n, i) =>
          Math.floor((n + before[i] + after[i] - dilations[i] * (kernel.shape[i + 2] - 1) - 1) / strides[i]) + 1,
      );
    ensure(
      space.every((n) => n >= 1),
      () => `conv: kernel ${show(kernel.shape)} is larger than input ${show(x.shape)}.`,
    );
    return [{ shape: [x.shape[0], kernel.shape[0], ...space], dtype: 'f32' }];
  },
  evaluate: ([x, kernel], attributes, node) => {
    const out = emptyValues(node.outputs[0]);
    forEachProduct(node.inputs[0].shape, node.inputs[1].shape, node.outputs[0].shape, attributes, (l, k, s) => {
      out[s] += x[l] * kernel[k];
    });
    return [out];
  },
  gradient: ({ inputs: [x, kernel], attributes, gradients: [g], needs }) => [
    needs[0] ? convInputGradient(g!, kernel, x.shape, attributes) : undefined,
    needs[1] ? convKernelGradient(x, g!, kernel.shape, attributes) : undefined,
  ],
  lower: (emit, node, attributes) => {
    if (emit.target === 'webgpu' && node.inputs[0].rank === 5 && attributes.groups > 1)
      return lowerVolumeConv(emit, node, attributes);
    emit.node(
      'Conv',
      node.inputs.map((t) => emit.name(t)),
      onnxAttributes(attributes),
      emit.name(node.outputs[0]),
    );
  },
  flops: (node) => productFlops(node, node.outputs[0]),
});

const convTransposeOperator = defineOperator<TransposedAttributes>({
  name: 'convTranspose',
  infer: ([x, kernel], { strides, before, after, dilations, groups, outputPadding }) => {
    ensure(
      x.rank === kernel.rank &&
        x.rank >= 3 &&
        x.rank <= 5 &&
        x.shape[1] === kernel.shape[0] &&
        x.shape[1] % groups === 0,
      () => `convTranspose: kernel ${show(kernel.shape)} in ${groups} groups does not fit input ${show(x.shape)}.`,
    );
    const space = x.shape
      .slice(2)
      .map(
        (n, i) =>
          (n - 1) * strides[i] + dilations[i] * (kernel.shape[i + 2] - 1) + 1 + outputPadding[i] - before[i] - after[i],
      );
    return [{ shape: [x.shape[0], kernel.shape[1] * groups, ...space], dtype: 'f32' }];
  },
  evaluate: ([x, kernel], attributes, node) => {
    const out = emptyValues(node.outputs[0]);
    forEachProduct(node.outputs[0].shape, node.inputs[1].shape, node.inputs[0].shape, attributes, (l, k, s) => {
      out[l] += x[s] * kernel[k];
    });
    return [out];
  },
  gradient: ({ inputs: [x, kernel], attributes, gradients: [g], needs }) => [
    needs[0] ? apply(convOperator, [g!, kernel], croppedConv(attributes)).slice(x.shape.map((n) => [0, n])) : undefined,
    needs[1] ? convKernelGradient(g!, x, kernel.shape, attributes) : undefined,
  ],
  lower: (emit, node, attributes) => {
    const [x, kernel] = node.inputs;
    if (emit.target === 'webgpu' && x.rank === 5) return lowerVolumeConvTranspose(emit, node, attributes);
    const onnx = { ...onnxAttributes(attributes), output_padding: attributes.outputPadding };
    const out = emit.name(node.outputs[0]);
    if (emit.target === 'webgpu') transposedByGroups(emit, emit.name(x), emit.name(kernel), kernel.shape, onnx, out);
    else emit.node('ConvTranspose', [emit.name(x), emit.name(kernel)], onnx, out);
  },
  flops: (node) => productFlops(node, node.inputs[0]),
});

function croppedConv({ strides, before, after, dilations, groups }: ConvAttributes): ConvAttributes {
  return { strides, before, after, dilations, groups };
}

function productFlops(node: Node, small: Tensor): number {
  return 2 * small.size * sizeOf(node.inputs[1].shape.slice(1));
}

/** Cross-correlation: x `[B, C, ...]`, kernel `[O, C/groups, ...]` → `[B, O, ...]`. */
export function conv(x: Tensor, kernel: Tensor, options: ConvOptions = {}): Tensor {
  return apply(convOperator, [x, kernel], complete(options, x.rank - 2));
}

/** The transpose of `conv`: x `[B, O, ...]`, kernel `[O, C/groups, ...]` → `[B, C, ...]`. */
export function convTranspose(
  x: Tensor,
  kernel: Tensor,
  options: ConvOptions & { outputPadding?: number[] } = {},
): Tensor {
  const spatial = x.rank - 2;
  return apply(convTransposeOperator, [x, kernel], {
    ...complete(options, spatial),
    outputPadding: options.outputPadding ?? new Array<number>(spatial).fill(0),
  });
}
