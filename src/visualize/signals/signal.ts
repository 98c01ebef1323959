/** What pictures of signals have in common: an example as a model sees it, and what one kind of signal can show. */
import type { RgbImage } from '../picture.js';
import type { Figure } from '../svg.js';

/** A modality of a model, and what its numbers mean. */
export interface ShownModality {
  name: string;
  /** [height, width], [samples], [frames, height, width], [points]. */
  indexShape: readonly number[];
  channels: number;
  /** What was subtracted from each channel, and divided by. */
  mean: readonly number[];
  std: readonly number[];
  /** Of sounds and clips: samples or frames per second. */
  rate?: number;
}

/** One example of a modality. */
export interface ShownExample {
  /** Normalised, `[I, C]`. */
  values: Float32Array;
  /** Elements that are real, from the first on; the rest is padding. */
  length: number;
  /** A class or a file's name. */
  caption?: string;
}

/** An example, what was hidden of it, and what a model made of that. */
export interface ReconstructedExample extends ShownExample {
  /** `[I]`: 1 = hidden. */
  mask: Float32Array;
  /** Prediction for every element, `[I, C]`, in the space of the values. */
  predicted: Float32Array;
}

/** What is written above the rows of a figure. */
export interface Heading {
  title: string;
  subtitle: string;
  /** Width of a picture in the figure, where it is not the usual one. */
  cellSize?: number;
}

/** Shares of the elements that a model's latents take in, one map for each row. */
export interface ShownAttention {
  /** `[I]` each. */
  maps: readonly Float32Array[];
  captions: readonly string[];
}

/** How one kind of signal is shown. */
export interface SignalPictures {
  /** What one element is called. */
  element: string;
  /** What one example is called. */
  noun: string;
  /** Examples in a figure of reconstructions, where nobody says how many. */
  count: number;
  /** Examples as small pictures of one size and in the same scales, those of the first. */
  thumbnails(modality: ShownModality, examples: readonly ShownExample[]): RgbImage[];
  /** What was seen, what was made of it, and what it should have been, a row for each example. */
  reconstructions(modality: ShownModality, examples: readonly ReconstructedExample[], heading: Heading): Figure;
  /** Where the attention lies on one example. */
  attention(modality: ShownModality, example: ShownExample, attention: ShownAttention, heading: Heading): Figure;
  /** Files to be heard or watched, whose names begin with `stem`. Returns their paths. */
  writeFiles?(stem: string, modality: ShownModality, example: ReconstructedExample): Promise<string[]>;
}

/** Real elements in the units of the data, `[length, C]`. */
export function inUnits({ mean, std, channels }: ShownModality, values: Float32Array, length: number): Float32Array {
  const out = values.slice(0, length * channels);
  for (let c = 0; c < channels; c++) {
    const [scale, bias] = [std[c] ?? std[0], mean[c] ?? mean[0]];
    for (let i = c; i < out.length; i += channels) out[i] = out[i] * scale + bias;
  }
  return out;
}

/** The prediction where something was hidden, the true values elsewhere, `[I, C]`. */
export function pasted({ channels }: ShownModality, { values, predicted, mask }: ReconstructedExample): Float32Array {
  return values.map((value, i) => (mask[Math.floor(i / channels)] > 0 ? predicted[i] : value));
}

/** Arrays one behind the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
