/** Largest value of each window of a feature map (ResNet's 3x3 pooling with stride 2, and its kin). */
import { ensure } from '../../errors/index.js';
import { forEachOffset, show } from '../shape.js';
import { apply, constant, defineOperator, emptyValues, type Operator, type Tensor } from '../tensor.js';
import { conv, convTranspose } from './conv.js';

/** Windows on a map: rows and columns. */
export interface MaxPoolOptions {
  window: readonly [number, number];
  /** Default 1 on both axes. */
  strides?: readonly [number, number];
  /** Border `[before, after]` on each axis, which is never the largest; narrower than the window. Default none. */
  padding?: readonly (readonly [number, number])[];
}

interface PoolAttributes {
  window: number[];
  strides: number[];
  before: number[];
  after: number[];
}

const maxPoolOperator: Operator<PoolAttributes> = defineOperator<PoolAttributes>({
  name: 'maxPool',
  infer: ([x], { window, strides, before, after }) => {
    ensure(x.rank === 4, () => `maxPool: takes maps [B, C, H, W], not ${show(x.shape)}.`);
    ensure(
      window.every((n, i) => n >= 1 && strides[i] >= 1 && before[i] < n && after[i] < n),
      () => `maxPool: borders ${show(before)} and ${show(after)} must be narrower than the window ${show(window)}.`,
    );
    const space = [0, 1].map((i) => Math.floor((x.shape[i + 2] + before[i] + after[i] - window[i]) / strides[i] + 1));
    ensure(
      space.every((n) => n >= 1),
      () => `maxPool: the window ${show(window)} is larger than the map ${show(x.shape)}.`,
    );
    return [{ shape: [x.shape[0], x.shape[1], ...space], dtype: x.dtype }];
  },
  evaluate: ([x], { window, strides, before }, node) => {
    const out = emptyValues(node.outputs[0]).fill(Number.NEGATIVE_INFINITY);
    const [, , height, width] = node.inputs[0].shape;
    const [, , rows, columns] = node.outputs[0].shape;
    const maps = node.inputs[0].shape[0] * node.inputs[0].shape[1];
    forEachOffset(
      [maps, rows, columns, ...window],
      [
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1],
      ],
      ([map, row, column, i, j]) => {
        const [h, w] = [row * strides[0] + i - before[0], column * strides[1] + j - before[1]];
        if (h < 0 || w < 0 || h >= height || w >= width) return;
        const at = (map * rows + row) * columns + column;
        out[at] = Math.max(out[at], x[(map * height + h) * width + w]);
      },
    );
    return [out];
  },
  gradient: ({ inputs: [x], outputs: [y], attributes, gradients: [g] }) => [shared(x, y, g!, attributes)],
  lower: (emit, node, { window, strides, before, after }) =>
    emit.nodes('MaxPool', [emit.name(node.inputs[0])], [emit.name(node.outputs[0])], {
      kernel_shape: window,
      strides,
      pads: [...before, ...after],
    }),
});

/** Below every value of a map, and finite: a product with 0 is 0. */
const BORDER = -3e38;

/** The gradient of the largest value, shared between those that are equally large. */
function shared(x: Tensor, y: Tensor, g: Tensor, { window, strides, before, after }: PoolAttributes): Tensor {
  const [batch, channels, height, width] = x.shape;
  const [, , rows, columns] = y.shape;
  const maps = batch * channels;
  const [taps, steps] = [window[0] * window[1], { strides: [...strides] }];
  // Convolution with one kernel for each place in the window, 1 there and 0 elsewhere, lays the windows' values side by side.
  const places = constant(
    Float32Array.from({ length: taps * taps }, (_, at) => Number(at % (taps + 1) === 0)),
    [taps, 1, ...window],
  );
  const bordered = x.reshape([maps, 1, height, width]).pad(
    [
      [0, 0],
      [0, 0],
      [before[0], after[0]],
      [before[1], after[1]],
    ],
    BORDER,
  );
  const isLargest = conv(bordered, places, steps)
    .equal(y.reshape([maps, 1, rows, columns]))
    .cast('f32');
  const parts = isLargest.mul(g.reshape([maps, 1, rows, columns]).div(isLargest.sum(1, true)));
  const [tall, wide] = bordered.shape.slice(2);
  const back = convTranspose(parts, places, steps);
  // Rows and columns behind the last window were never looked at.
  const whole = back.pad([
    [0, 0],
    [0, 0],
    [0, tall - back.shape[2]],
    [0, wide - back.shape[3]],
  ]);
  return whole
    .slice([undefined, undefined, [before[0], before[0] + height], [before[1], before[1] + width]])
    .reshape(x.shape);
}

/** Largest value of each window: `[B, C, H, W]` → `[B, C, H', W']`; windows that reach over the end are left out. */
export function maxPool(
  x: Tensor,
  {
    window,
    strides = [1, 1],
    padding = [
      [0, 0],
      [0, 0],
    ],
  }: MaxPoolOptions,
): Tensor {
  return apply(maxPoolOperator, [x], {
    window: [...window],
    strides: [...strides],
    before: padding.map((p) => p[0]),
    after: padding.map((p) => p[1]),
  });
}
