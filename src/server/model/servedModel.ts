/** A model as the server sees it, whatever runs it. */
import type { Reader } from '../../data/index.js';
import type { Values } from '../../graph/index.js';
import type { Modality } from '../../models/index.js';

/** What can be asked of a model. */
export type Task = 'embed' | 'classify' | 'reconstruct';

/** Raw signals of one example by modality, `[I, C]`, normalised as the model was trained. */
export type Signals = Record<string, Float32Array>;

/** What was read of one example. */
export interface Example {
  signals: Signals;
  /** Elements that are real, by modality, where fewer than all. */
  lengths: Record<string, number>;
}

/** One example's share of a program's inputs, without the batch's axis. */
export type Feeds = Record<string, Values>;

/** One example's share of a program's outputs, without the batch's axis. */
export type Outputs = Record<string, Float32Array>;

/** What is to be computed of one example. Examples of the same program may share a batch. */
export interface Work {
  program: string;
  feeds: Feeds;
}

/** A reconstruction to be computed. */
export interface ReconstructionWork extends Work {
  /** By modality: 1 = hidden from the model, `[I]`. */
  masks: Record<string, Float32Array>;
}

/** A model that is loaded, compiled and tried. */
export interface ServedModel {
  /** Where it came from. */
  readonly path: string;
  /** `system/variant`. */
  readonly name: string;
  readonly tasks: readonly Task[];
  /** What an example consists of, and how that is read from files. */
  readonly modalities: readonly Modality[];
  readonly reader: Reader;
  readonly classes?: readonly string[];
  /** Examples that are best given at a time, at most. */
  readonly batchSize: number;
  /** Output `features` `[D]`. */
  embed(example: Example): Work;
  /** Output `probabilities` `[classes]`. */
  classify(example: Example): Work;
  /**
   * The example with a part hidden that the seed chooses: outputs `filled/MODALITY` `[I * C]`, in the space of the signals,
   * and `wanted/MODALITY` where that is not the signal itself.
   * @param maskRatio default: as in training
   * @throws HttpError where the model cannot hide that share
   */
  reconstruct(example: Example, maskRatio: number | undefined, seed: number): ReconstructionWork;
  /** Computes examples of one program. Calls do not overlap. */
  run(program: string, examples: readonly Feeds[]): Promise<Outputs[]>;
  /** Computes a blank example, for nothing but to see that it can. */
  probe(): Promise<void>;
  close(): Promise<void>;
}
