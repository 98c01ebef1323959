/** Arguments that PyTorch models name by a class or a word. */
import { unknownName } from '../../errors/index.js';
import type { ActivationName, Size2d } from '../../nn/index.js';

/** Hugging Face's words and PyTorch's classes. */
const ACTIVATIONS: Record<string, ActivationName> = {
  gelu: 'gelu',
  gelu_new: 'geluTanh',
  gelu_pytorch_tanh: 'geluTanh',
  quick_gelu: 'quickGelu',
  quickgelu: 'quickGelu',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
};

/** `"gelu"`, `"nn.GELU"`, `"SiLU"`; exact GELU where nothing is named. */
export function torchActivation(name = 'gelu'): ActivationName {
  const plain = name
    .split('.')
    .pop()!
    .replace(/\(.*\)$/, '')
    .toLowerCase();
  if (!Object.hasOwn(ACTIVATIONS, plain)) throw unknownName('activation', name, Object.keys(ACTIVATIONS));
  return ACTIVATIONS[plain];
}

/** `"LayerNorm(eps=1e-6)"` → 1e-6. */
export function epsilonOf(normLayer: string | undefined, otherwise: number): number {
  const match = /eps\s*=\s*([-+.\de]+)/i.exec(normLayer ?? '');
  return match ? Number(match[1]) : otherwise;
}

/** The way back: 1e-6 → `"LayerNorm(eps=0.000001)"`. */
export function layerNorm(epsilon: number): string {
  return `LayerNorm(eps=${epsilon})`;
}

/** A pair that may be one number for both. */
export function pairOf(size: number | readonly number[]): Size2d {
  return typeof size === 'number' ? [size, size] : [size[0], size[1] ?? size[0]];
}
