/** Video, sound and label through one bottleneck and back (arXiv 2107.14795, section 4.3), decoded whole or in parts. */
import { ensure } from '../../errors/index.js';
import { concat, type Tensor } from '../../graph/index.js';
import { applyMap, linearMap, type Scope } from '../../nn/index.js';
import { type DecoderConfig, decode, type QueryConfig, queryRows } from './decoders.js';
import { type EncoderConfig, encode } from './encoder.js';
import { inOrder, joined, masked, type Preprocessor, padded, preprocess } from './multimodal.js';
import { cutFanIn } from './positions.js';

/** How one modality enters and leaves. */
export interface AutoencodedModality {
  preprocessor: Preprocessor;
  /** Probability with which an input is replaced by the modality's mask token. */
  maskRate: number;
  query: QueryConfig;
  output: {
    /** Channels of each answer: pixel, patch of samples, classes. */
    channels: number;
    /** `rows`: `[B, K, channels]`; `samples`: one after the other, `[B, K·channels]`; `first`: of the first row alone, `[B, channels]`. */
    form: 'rows' | 'samples' | 'first';
  };
}

/** A multimodal auto-encoder. */
export interface AutoencoderConfig {
  modalities: Record<string, AutoencodedModality>;
  /** Channels that inputs, and queries, get beyond the widest modality. */
  inputPadding: number;
  queryPadding: number;
  encoder: EncoderConfig;
  decoder: DecoderConfig;
}

/** What an auto-encoder gives. */
export interface AutoencoderOutputs {
  latents: Tensor;
  /** By modality, in the form that its `output` asks for. */
  outputs: Record<string, Tensor>;
}

/**
 * Inputs by modality (video `[B, T, H, W, C]`, audio `[B, samples, 1]`, label `[B, classes]`) → their reconstructions.
 * @param at by modality: Fourier features of the places that are decoded, `[1, K, F]` (see `pointFeatures`); all where absent
 */
export function perceiverAutoencoder(
  scope: Scope,
  config: AutoencoderConfig,
  inputs: Readonly<Record<string, Tensor>>,
  at: Readonly<Record<string, Tensor | undefined>> = {},
): AutoencoderOutputs {
  const names = inOrder(config.modalities);
  for (const name of names)
    ensure(
      inputs[name] !== undefined,
      () => `Perceiver: the modality "${name}" is missing; label inputs may be zeros.`,
    );
  const front = scope.child('preprocessor');
  const parts = byName(names, (name) =>
    preprocess(front.child(name), inputs[name], config.modalities[name].preprocessor),
  );
  const wide = padded(
    front,
    byName(names, (name) => parts[name].inputs),
    config.inputPadding,
  );
  const rows = byName(names, (name) => masked(front, name, wide[name], config.modalities[name].maskRate));
  const latents = encode(scope.child('encoder'), joined(rows), config.encoder);

  const own = scope.child('decoder');
  const asked = byName(names, (name) =>
    queryRows(own.child(`queries/${name}`), config.modalities[name].query, {
      features: parts[name].features,
      at: at[name],
    }),
  );
  const queries = padded(own.child('queries'), asked, config.queryPadding);
  const answers = decode(own, joinedQueries(queries), latents, config.decoder);
  const counts = names.map((name) => queries[name].shape[1]);
  const pieces = names.length === 1 ? [answers] : answers.split(counts, 1);
  return {
    latents,
    outputs: Object.fromEntries(
      names.map((name, i) => [name, output(scope.child(`postprocessor/${name}`), pieces[i], config.modalities[name])]),
    ),
  };
}

function byName<T>(names: readonly string[], make: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}

/** Queries that depend on the input have a row for each example, others one for all. */
function joinedQueries(queries: Record<string, Tensor>): Tensor {
  const batch = Math.max(...Object.values(queries).map((q) => q.shape[0]));
  const all = inOrder(queries).map((name) => queries[name].expand([batch, ...queries[name].shape.slice(1)]));
  return all.length === 1 ? all[0] : concat(all, 1);
}

function output(scope: Scope, answers: Tensor, { output: { channels, form } }: AutoencodedModality): Tensor {
  const [batch, , width] = answers.shape;
  const map = linearMap(scope, width, channels, { initializer: cutFanIn(width) });
  if (form === 'first') return applyMap(map, answers.slice([undefined, [0, 1]])).reshape([batch, channels]);
  const y = applyMap(map, answers);
  return form === 'samples' ? y.reshape([batch, -1]) : y;
}
