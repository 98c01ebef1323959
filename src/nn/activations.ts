/** Activation functions, element by element, on tensors of any shape. */
import type { Tensor } from '../graph/index.js';

/** Gaussian error linear unit: x·Φ(x), exact (Hendrycks & Gimpel 2016, arXiv 1606.08415). */
export function gelu(x: Tensor): Tensor {
  // Written as the pattern that ONNX Runtime fuses into one kernel at inference.
  return x.mul(0.5).mul(x.div(Math.SQRT2).erf().add(1));
}

/** GELU's tanh approximation, 0.5·x·(1 + tanh(sqrt(2/π)·(x + 0.044715·x³))): the default of JAX and GPT-2. */
export function geluTanh(x: Tensor): Tensor {
  // Through the sigmoid it would take two passes less, but ONNX Runtime's sigmoid is too coarse where it is near 0.
  const scale = Math.sqrt(2 / Math.PI);
  const inner = x.mul(x).mul(0.044715 * scale).add(scale).mul(x);
  return x.mul(0.5).mul(inner.tanh().add(1));
}

/** max(x, 0)² (Primer, arXiv 2109.08668). */
export function squaredRelu(x: Tensor): Tensor {
  const positive = x.relu();
  return positive.mul(positive);
}

/** x where positive, slope·x elsewhere; at 0 the gradient is the slope. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return x.greater(0).where(x, x.mul(slope));
}

/** Sigmoid linear unit, also called swish: x·sigmoid(x). */
export function silu(x: Tensor): Tensor {
  return x.mul(x.sigmoid());
}

/** GELU's sigmoid approximation x·sigmoid(1.702·x), as in CLIP and the Perceiver's byte models. */
export function quickGelu(x: Tensor): Tensor {
  return x.mul(x.mul(1.702).sigmoid());
}
