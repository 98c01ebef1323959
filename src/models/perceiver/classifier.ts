/** Images, or text, to logits of classes: the Perceiver of 2021 and Perceiver IO. */
import type { Tensor } from '../../graph/index.js';
import { norm, type Scope } from '../../nn/index.js';
import { type DecoderConfig, decode, project, type QueryConfig, queryRows } from './decoders.js';
import { type EncoderConfig, encode } from './encoder.js';
import { type ImagePreprocessor, type Preprocessed, preprocessImages } from './images.js';

/** A head: one learned query (Perceiver IO), or the mean of the latents (2021). */
export type ClassifierHead =
  | ({ kind: 'query'; query: QueryConfig } & DecoderConfig)
  /** `norm`: a layer norm between mean and linear layer. */
  | { kind: 'mean'; norm?: boolean };

/** An image classifier. */
export interface PerceiverClassifierConfig {
  preprocessor: ImagePreprocessor;
  encoder: EncoderConfig;
  head: ClassifierHead;
  /** 0: no head; the answer is the latents'. */
  classes: number;
}

/** What a classifier gives. */
export interface ClassifierOutputs {
  /** `[B, N, D]` */
  latents: Tensor;
  /** `[B, classes]` */
  logits: Tensor;
}

/** Images `[B, H, W, C]` (channels last) → logits. `readable` `[B, M]`: inputs that are real (1) and padding (0). */
export function perceiverClassifier(
  scope: Scope,
  config: PerceiverClassifierConfig,
  images: Tensor,
  readable?: Tensor,
): ClassifierOutputs {
  const inputs = preprocessImages(scope.child('preprocessor'), images, config.preprocessor);
  return classify(scope, config, inputs, readable);
}

/** The encoder alone, on images `[B, H, W, C]`: the rows that are read, `[B, M, C']`, and the latents, `[B, N, D]`. */
export function perceiverLatents(
  scope: Scope,
  { preprocessor, encoder }: Pick<PerceiverClassifierConfig, 'preprocessor' | 'encoder'>,
  images: Tensor,
): { read: Tensor; latents: Tensor } {
  const { inputs } = preprocessImages(scope.child('preprocessor'), images, preprocessor);
  return { read: inputs, latents: encode(scope.child('encoder'), inputs, encoder) };
}

/** Rows of inputs → logits. */
export function classify(
  scope: Scope,
  { encoder, head, classes }: Pick<PerceiverClassifierConfig, 'encoder' | 'head' | 'classes'>,
  { inputs, features }: Pick<Preprocessed, 'inputs' | 'features'>,
  readable?: Tensor,
): ClassifierOutputs {
  const latents = encode(scope.child('encoder'), inputs, encoder, readable);
  const own = scope.child('decoder');
  if (head.kind === 'mean') {
    const mean = latents.mean(1);
    return { latents, logits: project(own, head.norm ? norm(own.child('norm'), mean) : mean, classes) };
  }
  const queries = queryRows(own.child('queries'), head.query, { features });
  const answers = decode(own, queries, latents, { ...head, outputs: classes });
  return { latents, logits: answers.slice([undefined, [0, 1]]).reshape([inputs.shape[0], classes]) };
}
