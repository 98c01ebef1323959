/**
 * What a system is pre-trained by: one contract for all. The training loop, `hip reconstruct` and the server know nothing of
 * patches, tokens or histograms; they see a loss, what to feed, and what the model makes of what was hidden.
 */
import type { Tensor, Values } from '../../graph/index.js';
import type { Modality, System } from '../../models/index.js';
import type { Scope } from '../../nn/index.js';
import type { Key } from '../../random/index.js';
import type { AutoencodingOptions } from '../maskedAutoencoding.js';

/** A model that is to learn from signals without labels. */
export interface PretrainedModel {
  system: System;
  config: unknown;
  modalities: readonly Modality[];
  /** By modality and channel: what was subtracted from a signal and what it was divided by; nothing, and 1, where absent. */
  statistics?: Readonly<Record<string, { mean: readonly number[]; std: readonly number[] }>>;
}

/** What is hidden, and what is asked for: the recipe's `masking`. */
export type PretrainingOptions = Omit<AutoencodingOptions, 'scheme'> & {
  /**
   * `group`: one mask for all groups of a signal (of inputs, of images, of bands); `uniform`: each has its own; `blocks`:
   * rectangles of patches (BEiT).
   */
  scheme: 'group' | 'uniform' | 'blocks';
};

/** What decides the masks, noise and temperatures of one step: the same circumstances, the same feeds. */
export interface Circumstances {
  key: Key;
  /** Share of the run that is over, 0 … 1. */
  progress: number;
  /** Which elements of each example are real, by modality `[B, I]`; all where absent. */
  valid?: Readonly<Record<string, Float32Array>>;
}

/** What the model makes of one modality. */
export interface FilledIn {
  /** The whole signal as the model fills it in, `[B, I, C]`, in the space of the inputs. */
  filled: Tensor;
  /** What it should be, `[B, I, C]`, where that is not the input itself: the features that are predicted, drawn as a signal. */
  wanted?: Tensor;
  /** Error over what was hidden and is real. */
  loss: Tensor;
  /** Which elements were hidden, 1 = hidden, `[B or 1, I]`. */
  hidden(key: Key): Float32Array;
}

/** A pre-training objective on a batch. */
export interface Pretraining {
  /** One number. */
  loss: Tensor;
  /** Further numbers worth logging, by name. */
  metrics: Record<string, Tensor>;
  /** What is hidden, in words: `1,024 inputs in 4 groups of 256, of which 38 are visible and 218 dropped`. */
  about: string;
  /** Everything that is fed beside signals, parameters and the model's own draws. */
  feeds(circumstances: Circumstances): Record<string, Values>;
  /** What the model makes of what was hidden, by modality; needs `reconstruct: 'all'`. */
  answers(): Record<string, FilledIn>;
}

/**
 * Builds an objective in a scope.
 * @param inputs signals by modality, `[B, I, C]`
 * @param real which elements exist in the data, by modality `[B, I]` or `[B, 1]`
 * @throws HiperceiverError where the options make no sense for the model
 */
export type BuildPretraining = (
  scope: Scope,
  model: PretrainedModel,
  inputs: Record<string, Tensor>,
  options: PretrainingOptions,
  real?: Record<string, Tensor>,
) => Pretraining;
