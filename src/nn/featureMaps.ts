/** Layers on feature maps `[B, C, H, W]`: convolution, pooling, resizing, batch norm. */
import { ensure } from '../errors/index.js';
import { batchNorm, batchNormInference, constant, type Tensor } from '../graph/index.js';
import { fanIn, type Initializer, ones, zeros } from './initializers.js';
import { resizingMatrix } from './resizeTable.js';
import type { Scope } from './scope.js';

/** Pixels `[B, H·W, C]`, row by row, → a map `[B, C, H, W]`. */
export function toMap(pixels: Tensor, [height, width]: readonly [number, number]): Tensor {
  return pixels.transpose([0, 2, 1]).reshape([pixels.shape[0], pixels.shape[2], height, width]);
}

/** A map `[B, C, H, W]` → `[B, H·W, C]`. */
export function fromMap(map: Tensor): Tensor {
  const [batch, channels] = map.shape;
  return map.reshape([batch, channels, -1]).transpose([0, 2, 1]);
}

/** What a convolution is made of. */
export interface ConvolutionOptions {
  /** Rows and columns of the kernel, odd; borders are filled with zeros so that the map keeps its size. Default 1. */
  kernel?: number;
  bias?: boolean;
  /** Default: truncated normal of variance 1 / inputs. */
  initializer?: Initializer;
}

/** Convolution with stride 1: `[B, C, H, W]` → `[B, out, H, W]`; its weight is `kernel` `[out, C, k, k]`. */
export function convolution(scope: Scope, x: Tensor, out: number, options: ConvolutionOptions = {}): Tensor {
  const { kernel = 1, bias = true } = options;
  const inputs = x.shape[1] * kernel * kernel;
  const w = scope.parameter('kernel', [out, x.shape[1], kernel, kernel], options.initializer ?? fanIn(inputs));
  const border: [number, number] = [(kernel - 1) / 2, (kernel - 1) / 2];
  const y = x.conv(w, { padding: [border, border] });
  return bias ? y.add(scope.parameter('b', [out], zeros).reshape([out, 1, 1])) : y;
}

/** Every pixel becomes 2x2 by a learned kernel: `[B, C, H, W]` → `[B, out, 2·H, 2·W]`; its weight is `kernel` `[C, out, 2, 2]`. */
export function doubledByConvolution(scope: Scope, x: Tensor, out: number): Tensor {
  const w = scope.parameter('kernel', [x.shape[1], out, 2, 2], fanIn(x.shape[1]));
  return x.convTranspose(w, { strides: [2, 2] }).add(scope.parameter('b', [out], zeros).reshape([out, 1, 1]));
}

/** Largest of each 2x2: `[B, C, H, W]` → `[B, C, ⌊H/2⌋, ⌊W/2⌋]`. */
export function halvedByMax(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  const [rows, columns] = [Math.floor(height / 2), Math.floor(width / 2)];
  ensure(rows > 0 && columns > 0, () => `A map of ${height}x${width} cannot be halved: use larger images.`);
  return x
    .slice([undefined, undefined, [0, 2 * rows], [0, 2 * columns]])
    .reshape([batch, channels, rows, 2, columns, 2])
    .max([3, 5]);
}

/** Every pixel 2x2 times: `[B, C, H, W]` → `[B, C, 2·H, 2·W]`. */
export function doubledByRepetition(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  return x
    .reshape([batch, channels, height, 1, width, 1])
    .expand([batch, channels, height, 2, width, 2])
    .reshape([batch, channels, 2 * height, 2 * width]);
}

/** Bilinear resizing with half-pixel centres (`align_corners=False`): `[B, C, H, W]` → `[B, C, height, width]`. */
export function resizedLinearly(x: Tensor, size: readonly [number, number]): Tensor {
  return mapAxes(x, size, (from, to) => resizingMatrix(from, to, 'linear'));
}

/**
 * Means over `size` parts of each axis, as equal as can be, neighbours sharing a pixel where the sizes do not divide:
 * `[B, C, H, W]` → `[B, C, rows, columns]`.
 */
export function averagePool(x: Tensor, size: readonly [number, number]): Tensor {
  return mapAxes(x, size, (from, to) => {
    const matrix = new Float32Array(to * from);
    for (let part = 0; part < to; part++) {
      const start = Math.floor((part * from) / to);
      const end = Math.ceil(((part + 1) * from) / to);
      matrix.fill(1 / (end - start), part * from + start, part * from + end);
    }
    return constant(matrix, [to, from]);
  });
}

/** Multiplies rows and columns by a matrix `[to, from]` each. */
function mapAxes(x: Tensor, size: readonly [number, number], matrixOf: (from: number, to: number) => Tensor): Tensor {
  const [, , height, width] = x.shape;
  const wide = size[1] === width ? x : x.matmul(matrixOf(width, size[1]), { transB: true });
  return size[0] === height ? wide : matrixOf(height, size[0]).matmul(wide);
}

/** Share of a batch's statistics in the running ones that follow. */
const MOMENTUM = 0.1;

/**
 * Batch norm over all axes but the channels: in training by the statistics of the batch, of which running averages are kept
 * (`mean`, unbiased `variance`); else by those averages, which belong to the model. `x`: `[B, C, ...]`. A batch of one value
 * for each channel has no variance, and goes by the averages as well.
 */
export function batchNormLayer(scope: Scope, x: Tensor, epsilon = 1e-5): Tensor {
  const channels = [x.shape[1]];
  const count = x.size / x.shape[1];
  const scale = scope.parameter('scale', channels, ones);
  const offset = scope.parameter('offset', channels, zeros);
  const [mean, variance] = [scope.statistic('mean', channels, zeros), scope.statistic('variance', channels, ones)];
  if (!scope.training || count === 1) return batchNormInference(x, scale, offset, mean, variance, epsilon);
  const batch = batchNorm(x, scale, offset, epsilon);
  const running = (before: Tensor, now: Tensor) => before.mul(1 - MOMENTUM).add(now.mul(MOMENTUM));
  scope.becomes('mean', running(mean, batch.mean));
  scope.becomes('variance', running(variance, batch.variance.mul(count / (count - 1))));
  return batch.y;
}
