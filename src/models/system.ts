/** What the rest of the house needs to know of an architecture. */
import type { Tensor } from '../graph/index.js';
import type { Scope } from '../nn/index.js';
import type { Resizable } from './adaptTables.js';
import type { Grouping } from './grouping.js';
import type { RowSelection } from './inputStage.js';
import type { Modality } from './modality.js';
import type { PublishedLayout } from './published/published.js';
import type { TokenAttention } from './tokenAttention.js';

/** How a model is applied. */
export interface ApplyOptions {
  /** Stop after the processor: what classification uses. */
  encoderOnly?: boolean;
  /** Rows of each modality that enter, and rows that are reconstructed. */
  selections?: Record<string, RowSelection>;
  /**
   * Which elements of each example are real: by modality `[B, I]`, or `[B, 1]` for a modality that is there or not; 1 = real,
   * 0 = padding or missing (f32 or bool). Modalities without an entry are all real. What is not real is read by nothing.
   */
  valid?: Record<string, Tensor>;
  /**
   * What the reconstruction head answers with for each element: the signal's own channels (default), or the features that
   * these are unembedded from, for a head of the caller's own (a class for each pixel).
   */
  readout?: 'channels' | 'features';
}

/** What a model gives. */
export interface PerceiverOutputs {
  /** Output of every block, `[B, G_i, N_i, D_i]`. */
  blocks: Tensor[];
  /** Per modality `[B, I, C]`; with rows queried `[B, groups, Q, C]`; C = E for features; empty for an encoder alone. */
  reconstruction: Record<string, Tensor>;
  /** Output of the last block in the reference's ungrouped form, per modality; empty for an encoder alone. */
  latents: Record<string, Tensor>;
  /** Per modality `[B, N, values]`: what the head of pre-training answers for each patch, where that is not the signal itself. */
  predictions?: Record<string, Tensor>;
}

/** What a model with a head for whole examples gives. */
export interface ClassLogits extends PerceiverOutputs {
  /** `[B, classes]` */
  logits: Tensor;
}

/** What a model with a head for every element gives. */
export interface DenseLogits extends PerceiverOutputs {
  /** `[B, I, classes]` */
  logits: Tensor;
  /** The same from a second head, which training alone uses. */
  auxiliary?: Tensor;
}

/** One architecture with its named sizes. */
// biome-ignore lint/suspicious/noExplicitAny: each system has a configuration of its own
export interface System<Config = any> {
  name: string;
  summary: string;
  paper: string;
  variants: Record<string, Config>;
  /** Whether masked auto-encoding of raw elements pre-trains it. */
  masksElements: boolean;
  /** Settings that variants may have and need not. */
  settings?: readonly string[];
  /** The layouts that published checkpoints of it come in, the likeliest first. */
  published?: readonly PublishedLayout[];
  /** Models of tokens: how their attention leads back to the input. Absent where there is none, or groups make it another matter. */
  attention?(config: Config, modalities: readonly Modality[]): TokenAttention;
  /** Models of patches: which parameters depend on the size of the input, and how they are carried over to another. */
  resizable?(config: Config): readonly Resizable[];
  /** `inputs[name]`: `[B, I, C]`. */
  apply(
    scope: Scope,
    config: Config,
    modalities: readonly Modality[],
    inputs: Record<string, Tensor>,
    options?: ApplyOptions,
  ): PerceiverOutputs;
  /** How inputs are cut into groups: masks are drawn by group. */
  grouping(config: Config, modalities: readonly Modality[]): Grouping;
  /** The encoder with the published models' own head for whole examples (`head: 'own'`). Absent where they have none. */
  classify?(
    scope: Scope,
    config: Config,
    modalities: readonly Modality[],
    inputs: Record<string, Tensor>,
    classes: number,
  ): ClassLogits;
  /** The same with their head for every element of the first modality. */
  segment?(
    scope: Scope,
    config: Config,
    modalities: readonly Modality[],
    inputs: Record<string, Tensor>,
    classes: number,
  ): DenseLogits;
  /**
   * What fine-tuning makes of a model that was pre-trained, where that is more than another head: its configuration, and its
   * parameters under the names that this one has.
   */
  finetuned?(
    config: Config,
    parameters: ReadonlyMap<string, Float32Array>,
  ): { config: Config; parameters: ReadonlyMap<string, Float32Array> };
}
