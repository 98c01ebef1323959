/**
 * Convolutions that the WebGPU provider of ONNX Runtime 1.30 lacks or gets wrong. Over volumes it has neither grouped nor
 * transposed ones: they become a sum over the kernel's slices along depth, each a convolution of planes with the depth
 * axis counted to the batch.
 */
import type { Attribute, Emitter } from '../emitter.js';
import type { Node, Tensor } from '../tensor.js';

interface VolumeAttributes {
  strides: number[];
  before: number[];
  after: number[];
  dilations: number[];
  groups: number;
  outputPadding?: number[];
}

/** Attributes of the convolution within planes. */
function planar({
  strides,
  before,
  after,
  dilations,
  groups,
  outputPadding,
}: VolumeAttributes): Record<string, Attribute> {
  return {
    strides: strides.slice(1),
    pads: [...before.slice(1), ...after.slice(1)],
    dilations: dilations.slice(1),
    group: groups,
    ...(outputPadding ? { output_padding: outputPadding.slice(1) } : {}),
  };
}

/** x [B, C, D, H, W] → [B, D, C, H, W] and back. */
const swapDepth = (emit: Emitter, x: string, to?: string) => emit.node('Transpose', [x], { perm: [0, 2, 1, 3, 4] }, to);

/** One slice [O, C, H, W] of a kernel [O, C, D, H, W]. */
function kernelSlice(emit: Emitter, kernel: Tensor, depth: number): string {
  const at = emit.constant(Int32Array.of(depth), { shape: [], dtype: 'i32' });
  return emit.node('Gather', [emit.name(kernel), at], { axis: 2 });
}

/** Positions from, from + step, … along axis 1, `count` of them. */
function framesFrom(emit: Emitter, x: string, from: number, count: number, step: number): string {
  return emit.node('Slice', [x, ...[[from], [from + (count - 1) * step + 1], [1], [step]].map((v) => emit.int64(v))]);
}

/** Zeros before and behind axis 1 of five. */
function padFrames(emit: Emitter, x: string, before: number, after: number): string {
  if (before === 0 && after === 0) return x;
  return emit.node('Pad', [x, emit.int64([0, before, 0, 0, 0, 0, after, 0, 0, 0]), emit.float(0)], {
    mode: 'constant',
  });
}

function addUp(emit: Emitter, terms: string[]): string {
  return terms.reduce((a, b) => emit.node('Add', [a, b]));
}

/**
 * `ConvTranspose` of lines or planes with groups. With one output channel and an even number of input channels in each
 * group the provider's results are wrong, so such a kernel gets a second, empty output channel.
 */
export function transposedByGroups(
  emit: Emitter,
  x: string,
  kernel: string,
  [channels, outPerGroup, ...space]: readonly number[],
  attributes: Record<string, Attribute>,
  to?: string,
): string {
  const groups = attributes.group as number;
  const isWrong = groups > 1 && outPerGroup === 1 && (channels / groups) % 2 === 0;
  if (!isWrong) return emit.node('ConvTranspose', [x, kernel], attributes, to);
  const none = space.map(() => 0);
  const wide = emit.node('Pad', [kernel, emit.int64([0, 0, ...none, 0, 1, ...none]), emit.float(0)], {
    mode: 'constant',
  });
  const doubled = emit.node('ConvTranspose', [x, wide], attributes);
  return emit.node('Slice', [doubled, ...[[0], [2 * groups], [1], [2]].map((v) => emit.int64(v))], {}, to);
}

/** `Conv` of a volume [B, C, D, H, W], any groups. */
export function lowerVolumeConv(emit: Emitter, node: Node, attributes: VolumeAttributes): void {
  const [x, kernel] = node.inputs;
  const [batch, channels, , height, width] = x.shape;
  const [, outChannels, outDepth, outHeight, outWidth] = node.outputs[0].shape;
  const [stride] = attributes.strides;
  const frames = padFrames(emit, swapDepth(emit, emit.name(x)), attributes.before[0], attributes.after[0]);
  const terms = Array.from({ length: kernel.shape[2] }, (_, k) => {
    const met = framesFrom(emit, frames, k * attributes.dilations[0], outDepth, stride);
    const planes = emit.node('Reshape', [met, emit.int64([batch * outDepth, channels, height, width])]);
    return emit.node('Conv', [planes, kernelSlice(emit, kernel, k)], planar(attributes));
  });
  const sum = emit.node('Reshape', [
    addUp(emit, terms),
    emit.int64([batch, outDepth, outChannels, outHeight, outWidth]),
  ]);
  swapDepth(emit, sum, emit.name(node.outputs[0]));
}

/** `ConvTranspose` of a volume [B, O, D, H, W], any groups. */
export function lowerVolumeConvTranspose(emit: Emitter, node: Node, attributes: VolumeAttributes): void {
  const [x, kernel] = node.inputs;
  const [batch, channels, depth, height, width] = x.shape;
  const [, outChannels, outDepth, outHeight, outWidth] = node.outputs[0].shape;
  const [stride, dilation] = [attributes.strides[0], attributes.dilations[0]];
  const planes = emit.node('Reshape', [
    swapDepth(emit, emit.name(x)),
    emit.int64([batch * depth, channels, height, width]),
  ]);
  // Depth before cropping: where the last frame meets the last slice of the kernel.
  const reach = (depth - 1) * stride + (kernel.shape[2] - 1) * dilation + 1;
  const missing = Math.max(0, attributes.before[0] + outDepth - reach);
  const terms = Array.from({ length: kernel.shape[2] }, (_, k) => {
    const slice = [...kernel.shape.slice(0, 2), ...kernel.shape.slice(3)];
    const spread = transposedByGroups(emit, planes, kernelSlice(emit, kernel, k), slice, planar(attributes));
    // Zeros between the frames: each one becomes a frame and stride - 1 empty ones.
    const apart = emit.node('Reshape', [spread, emit.int64([batch * depth, 1, outChannels, outHeight, outWidth])]);
    const filled = padFrames(emit, apart, 0, stride - 1);
    const merged = emit.node('Reshape', [
      filled,
      emit.int64([batch, depth * stride, outChannels, outHeight, outWidth]),
    ]);
    const frames = framesFrom(emit, merged, 0, (depth - 1) * stride + 1, 1);
    const before = k * dilation;
    return padFrames(emit, frames, before, reach - before - (depth - 1) * stride - 1 + missing);
  });
  const cropped = framesFrom(emit, addUp(emit, terms), attributes.before[0], outDepth, 1);
  swapDepth(emit, cropped, emit.name(node.outputs[0]));
}
