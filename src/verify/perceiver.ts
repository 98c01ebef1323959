/** Golden cases of the Perceiver and Perceiver IO, in DeepMind's, Hugging Face's and perceiver-pytorch's arguments and names. */
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import {
  type AutoencoderConfig,
  deepMindAutoencoder,
  deepMindClassifier,
  deepMindIterated,
  deepMindLanguageModel,
  deepMindOpticalFlow,
  hfPerceiverModel,
  neighbourhoods,
  perceiverAutoencoder,
  perceiverClassifier,
  perceiverLanguageModel,
  perceiverOpticalFlow,
  perceiverPytorchModel,
  perceiverTextClassifier,
  pointFeatures,
  type ReferencePerceiver,
} from '../models/perceiver/index.js';
import { torchActivation } from '../models/published/torchArguments.js';
import { DRAW, fourierFeatures, fourierFeaturesAt, Scope } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import type { Comparison } from './comparison.js';
import { floatsOf, type GoldenCase, integersOf, tensorOf } from './goldenCase.js';
import { compareModel } from './referenceModel.js';
import { CaseInputs } from './runGraph.js';

/** Runs a case of the Perceiver, or of its position features alone. */
export async function verifyPerceiver(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  if (golden.config.variants) return verifyFeatures(golden, comparison);
  const reference = referenceOf(golden);
  const inputs = new CaseInputs(golden);
  const scope = Scope.root();
  const outputs = build(golden, reference, scope, inputs);
  const labels = inputs.maybe('labels', 'i32');
  if (labels && outputs.logits) outputs.loss = crossEntropy(outputs.logits, labels);
  for (const draw of scope.needs.draws.keys()) inputs.feeds[DRAW + draw] = floatsOf(golden, `input.${draw}`);
  const { layout } = reference;
  await compareModel(golden, comparison, engine, { needs: scope.needs, layout }, inputs, outputs);
}

/** Position features by themselves: of grids, and of given points. */
function verifyFeatures(golden: GoldenCase, comparison: Comparison): void {
  interface Variant {
    name: string;
    index_dims: number[];
    num_bands: number;
    max_resolution?: number[] | null;
    concat_pos?: boolean;
    sine_only?: boolean;
    pos?: string;
  }
  for (const v of golden.config.variants as Variant[]) {
    const rest = [v.num_bands, v.max_resolution ?? v.index_dims, v.concat_pos ?? true, v.sine_only ?? false] as const;
    const points = v.pos === undefined ? undefined : tensorOf(golden, `input.${v.pos}`);
    const { data, rows, channels } = points
      ? fourierFeaturesAt(floatsOf(golden, `input.${v.pos}`), v.index_dims.length, ...rest)
      : fourierFeatures(v.index_dims, ...rest);
    const shape = points ? [...points.shape.slice(0, -1), channels] : [rows, channels];
    comparison.expect(`output.${v.name}`, data, { shape });
  }
}

/** The model that a case describes: whose arguments they are, the arguments tell. */
function referenceOf(golden: GoldenCase): ReferencePerceiver {
  const { config: c, io, json } = golden;
  if (c.num_freq_bands !== undefined) return perceiverPytorchModel(c);
  if (c.num_latents !== undefined || c.d_latents !== undefined) {
    const entry = String(json.reference?.entry ?? '');
    const name = /PerceiverFor\w+/.exec(entry)?.[0] ?? entry;
    return hfPerceiverModel(name, c, torchActivation(c.hidden_act), c.composition);
  }
  if (c.vocab_size !== undefined) return deepMindLanguageModel(c);
  if (c.audio_fourier) return deepMindAutoencoder(c, io.get('input.image')?.shape.slice(1, 4) ?? []);
  if (c.rescale_factor !== undefined || c.flow_scale_factor !== undefined) return deepMindOpticalFlow(c);
  return c.encoder ? deepMindClassifier(c) : deepMindIterated(c);
}

/** Outputs by the case's names. */
function build(
  golden: GoldenCase,
  { model }: ReferencePerceiver,
  scope: Scope,
  inputs: CaseInputs,
): Record<string, Tensor> {
  const first = (...names: string[]) => names.find((name) => golden.io.has(`input.${name}`));
  const need = (...names: string[]) => {
    const name = first(...names);
    ensure(name, () => `io.safetensors holds no input.${names[0]}`);
    return name;
  };
  const mask = first('input_mask', 'attention_mask', 'mask');
  const readable = mask ? flat(inputs.of(mask)) : undefined;
  switch (model.task) {
    case 'imageClassification': {
      const name = need('images', 'inputs', 'data', 'pixel_values');
      const images = inputs.of(name);
      // PyTorch's images have channels first, except perceiver-pytorch's.
      const isHf = golden.config.d_latents !== undefined || golden.config.num_labels !== undefined;
      return { ...perceiverClassifier(scope, model.config, isHf ? channelsLast(images) : images, readable) };
    }
    case 'maskedLanguage':
      return {
        ...perceiverLanguageModel(scope, model.config, inputs.of(need('inputs', 'input_ids'), 'i32'), readable),
      };
    case 'textClassification':
      return {
        ...perceiverTextClassifier(scope, model.config, inputs.of(need('inputs', 'input_ids'), 'i32'), readable),
      };
    case 'opticalFlow': {
      const frames = inputs.of(need('images', 'inputs', 'patches'));
      const isPixels = frames.shape[4] === 3;
      const patches = isPixels ? neighbourhoods(frames) : channelsLast(frames);
      const flow = perceiverOpticalFlow(scope, model.config, patches);
      return { patches, flow, logits: flow };
    }
    case 'autoencoding':
      return autoencoded(golden, model.config, scope, inputs);
  }
}

function autoencoded(
  golden: GoldenCase,
  config: AutoencoderConfig,
  scope: Scope,
  inputs: CaseInputs,
): Record<string, Tensor> {
  const isHf = golden.config.d_latents !== undefined;
  const given = Object.fromEntries(Object.keys(config.modalities).map((name) => [name, inputs.of(name)]));
  if (isHf) given.image = channelsLast(given.image);
  const at: Record<string, Tensor> = {};
  for (const [name, { query }] of Object.entries(config.modalities)) {
    const key = [`input.${name}_points`, `input.subsampled_output_points.${name}`].find((k) => golden.io.has(k));
    if (!key || query.positions.kind !== 'fourier') continue;
    const { data, rows, channels } = pointFeatures(query.positions, query.indexShape, integersOf(golden, key));
    const fed = `features/${name}`;
    inputs.feeds[fed] = data;
    at[name] = input(fed, [1, rows, channels]);
  }
  return perceiverAutoencoder(scope, config, given, at).outputs;
}

/** `[B, (T,) C, H, W]` → `[B, (T,) H, W, C]`. */
function channelsLast(images: Tensor): Tensor {
  return images.transpose(images.rank === 4 ? [0, 2, 3, 1] : [0, 1, 3, 4, 2]);
}

/** A mask on any number of axes → `[B, M]`. */
function flat(mask: Tensor): Tensor {
  return mask.reshape([mask.shape[0], -1]);
}
