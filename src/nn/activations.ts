/** Activation functions, element by element, on tensors of any shape. */
import type { Tensor } from '../graph/index.js';

/** Gaussian error linear unit: x·Φ(x), exact (Hendrycks & Gimpel 2016, arXiv 1606.08415). */
export function gelu(x: Tensor): Tensor {
  return x.gelu();
}

/** Above this exponent exp(-v) only decides between 1e-17 and less; below, no product of its gradient leaves float32. */
const LARGEST_EXPONENT = 40;

/** GELU's tanh approximation, 0.5·x·(1 + tanh(sqrt(2/π)·(x + 0.044715·x³))): the default of JAX and GPT-2. */
export function geluTanh(x: Tensor): Tensor {
  // (1 + tanh(v/2)) / 2 = 1 / (1 + exp(-v)). Through tanh or sigmoid the small gradients left of -3 would be lost:
  // ONNX Runtime computes both to 1e-7 of 1, but exp to 1e-7 of its value.
  const scale = -2 * Math.sqrt(2 / Math.PI);
  const exponent = x
    .mul(x)
    .mul(0.044715 * scale)
    .add(scale)
    .mul(x);
  return x.div(exponent.minimum(LARGEST_EXPONENT).exp().add(1));
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

/** Gated GELU (Shazeer 2020, arXiv 2002.05202): `[..., 2·C]` → `[..., C]`, the first half times GELU of the second. */
export function geglu(x: Tensor): Tensor {
  const [values, gates] = x.split(2, -1);
  return values.mul(gelu(gates));
}

const activations = { gelu, geluTanh, quickGelu, silu, relu: (x: Tensor) => x.relu() } as const;

/** Activation functions by name. */
export type ActivationName = keyof typeof activations;

/** An activation function by name. */
export function activationByName(name: ActivationName): (x: Tensor) => Tensor {
  return activations[name];
}
