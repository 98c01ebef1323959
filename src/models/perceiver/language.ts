/** Text as bytes: masked language modelling and classification (arXiv 2107.14795, section 4.1). */
import type { Tensor } from '../../graph/index.js';
import type { Scope } from '../../nn/index.js';
import { zeros } from '../../nn/index.js';
import { type ClassifierHead, type ClassifierOutputs, classify } from './classifier.js';
import { type DecoderConfig, decode, type QueryConfig, queryRows } from './decoders.js';
import { type EncoderConfig, encode } from './encoder.js';
import { cutNormal } from './positions.js';

/** How ids become rows. */
export interface TextPreprocessor {
  vocabulary: number;
  channels: number;
  /** Rows of the table of positions. */
  maxLength: number;
}

/** A masked language model. */
export interface LanguageModelConfig {
  text: TextPreprocessor;
  encoder: EncoderConfig;
  /** One query for each place of the sequence, as wide as the embeddings. */
  query: QueryConfig;
  decoder: DecoderConfig;
  /** Whether padding gets no answer; otherwise only the encoder leaves it out. */
  masksQueries: boolean;
}

interface Embedded {
  rows: Tensor;
  /** `[vocabulary, C]` */
  table: Tensor;
}

/** Ids `[B, L]` (i32) → embeddings with positions, `[B, L, C]`. */
function embed(scope: Scope, ids: Tensor, { vocabulary, channels, maxLength }: TextPreprocessor): Embedded {
  const table = scope.parameter('embeddings', [vocabulary, channels], cutNormal());
  const places = scope.parameter('text_positions', [maxLength, channels], cutNormal());
  const length = ids.shape[1];
  return { rows: table.gather(ids).add(places.slice([[0, length]])), table };
}

/** What a language model gives. */
export interface LanguageModelOutputs {
  latents: Tensor;
  /** What the decoder answers, `[B, L, C]`. */
  embeddings: Tensor;
  /** `[B, L, vocabulary]` */
  logits: Tensor;
}

/** Ids `[B, L]` (i32) → logits of each place. `readable` `[B, L]`: 1 = real, 0 = padding. */
export function perceiverLanguageModel(
  scope: Scope,
  config: LanguageModelConfig,
  ids: Tensor,
  readable?: Tensor,
): LanguageModelOutputs {
  const { rows, table } = embed(scope.child('preprocessor'), ids, config.text);
  const latents = encode(scope.child('encoder'), rows, config.encoder, readable);
  const own = scope.child('decoder');
  const queries = queryRows(own.child('queries'), config.query);
  const embeddings = decode(own, queries, latents, config.decoder, config.masksQueries ? readable : undefined);
  const bias = own.parameter('vocabulary_bias', [config.text.vocabulary], zeros);
  return { latents, embeddings, logits: embeddings.matmul(table, { transB: true }).add(bias) };
}

/** A text classifier. */
export interface TextClassifierConfig {
  text: TextPreprocessor;
  encoder: EncoderConfig;
  head: ClassifierHead;
  classes: number;
}

/** Ids `[B, L]` (i32) → logits of classes. */
export function perceiverTextClassifier(
  scope: Scope,
  config: TextClassifierConfig,
  ids: Tensor,
  readable?: Tensor,
): ClassifierOutputs {
  const { rows } = embed(scope.child('preprocessor'), ids, config.text);
  return classify(scope, config, { inputs: rows, features: rows }, readable);
}
