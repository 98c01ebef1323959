/** Pixels as a model sees them, normalised, and as they were stored, 0 to 1. */
import { constant, type Tensor } from '../../graph/index.js';
import type { PretrainedModel } from './pretraining.js';

/** Both ways of one signal `[B, I, C]`; the identity where nothing is known of its normalisation. */
export interface UnitPixels {
  /** Normalised → 0 to 1, cut off beyond. */
  toUnit(pixels: Tensor): Tensor;
  /** 0 to 1 → normalised. */
  fromUnit(pixels: Tensor): Tensor;
}

/** How the modality of that name was normalised. */
export function unitPixels({ statistics = {} }: Pick<PretrainedModel, 'statistics'>, name: string): UnitPixels {
  const own = statistics[name];
  if (!own) return { toUnit: (x) => x.maximum(0).minimum(1), fromUnit: (x) => x };
  const row = (values: readonly number[]) => constant(Float32Array.from(values), [values.length]);
  const [mean, std] = [row(own.mean), row(own.std)];
  return { toUnit: (x) => x.mul(std).add(mean).maximum(0).minimum(1), fromUnit: (x) => x.sub(mean).div(std) };
}
