/** SatMAE as a system: frames of one place at several times, or bands of one image in groups. */

import { ensure } from '../../errors/index.js';
import { concat, constant, type Tensor } from '../../graph/index.js';
import { type Size2d, sincosFrequencies } from '../../nn/index.js';
import { gridTables } from '../adaptTables.js';
import type { Modality } from '../modality.js';
import { satMaePublished } from '../published/satmae.js';
import {
  partCount,
  type SatMaeConfig,
  type SatMaeParts,
  satMaeClassifier,
  satMaeDecoder,
  satMaeEncoder,
} from '../satmae.js';
import { satMaeVariants } from '../satmaeVariants.js';
import type { System } from '../system.js';
import { TIME_COMPONENTS } from '../timestamps.js';
import { plainAttention } from '../tokenAttention.js';
import { withoutClassToken } from '../tokens.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks, withoutSizes } from './images.js';
import { inPlace } from './mae.js';

/** How many images and channels there are, the input tells. */
export interface SatMaeSystemConfig extends Omit<SatMaeConfig, 'size' | 'parts'> {
  parts: { kind: 'times' } | Extract<SatMaeParts, { kind: 'groups' }>;
  /** What the head of classes reads: the norm of the mean (default), or the class token. */
  pooling?: 'average' | 'token';
  /** When the images were taken, where all examples have the same times: `[T][3]` of year less 2002, month less 1, and hour. */
  timestamps?: readonly (readonly number[])[];
}

/** Pixels as the model takes them, and the configuration that fits them. */
export interface SettledSatMae {
  /** The modality that is seen. */
  name: string;
  config: SatMaeConfig;
  pixels: Tensor;
  /** Features of the timestamps for positions of so many channels; none where parts are groups. */
  times: (partWidth: number) => Tensor | undefined;
}

/** What a configuration and the inputs make together. */
export function settledSatMae(
  { parts, timestamps, ...config }: SatMaeSystemConfig,
  modalities: readonly Modality[],
  inputs: Record<string, Tensor>,
): SettledSatMae {
  if (parts.kind === 'groups') {
    const { name, pixels, size } = imageOf('satmae', modalities, inputs);
    return { name, config: { ...config, parts, size }, pixels, times: () => undefined };
  }
  const [clip, stamps] = framesOf(modalities);
  const [count, height, width] = clip.indexShape;
  const size: Size2d = [height, width];
  const [batch] = inputs[clip.name].shape;
  return {
    name: clip.name,
    config: { ...config, parts: { kind: 'times', count, channels: clip.channels }, size },
    pixels: inputs[clip.name].reshape([batch, count, height * width, clip.channels]),
    times: (partWidth) =>
      features(stamps ? inputs[stamps.name] : known(timestamps ?? months(count), count), partWidth / TIME_COMPONENTS),
  };
}

/** The clip and, where they are given, the timestamps of its frames, `[T]` of year less 2002, month less 1, and hour. */
function framesOf(modalities: readonly Modality[]): [Modality, Modality | undefined] {
  const clips = modalities.filter((m) => m.indexShape.length === 3);
  const rest = modalities.filter((m) => m.indexShape.length !== 3);
  const [stamps] = rest;
  const fits =
    !stamps || (stamps.indexShape.join() === `${clips[0]?.indexShape[0]}` && stamps.channels === TIME_COMPONENTS);
  ensure(
    clips.length === 1 && rest.length <= 1 && fits,
    () =>
      `satmae of several times takes frames (video=3x224x224x3) and, if they are known, a timestamp for each (times=3x${TIME_COMPONENTS}), not ${modalities.map((m) => m.name).join(', ')}: use a variant of bands for one image.`,
  );
  return [clips[0], stamps];
}

/** Timestamps of frames of which nothing is told: one month after the other, at midnight. */
function months(count: number): number[][] {
  return Array.from({ length: count }, (_, frame) => [0, frame, 0]);
}

/** Timestamps as a tensor, `[1, T, 3]`. */
function known(timestamps: readonly (readonly number[])[], count: number): Tensor {
  ensure(
    timestamps.length === count && timestamps.every((stamp) => stamp.length === TIME_COMPONENTS),
    () => `satmae is told ${timestamps.length} times for ${count} frames: give year, month and hour of each.`,
  );
  return constant(Float32Array.from(timestamps.flat()), [1, count, TIME_COMPONENTS]);
}

/**
 * {@link timestampFeatures} inside the graph: `[B or 1, T, 3]` → `[B or 1, T, 3·width]`. Years since 2002, months and hours are
 * small numbers, whose phase single precision keeps.
 */
function features(stamps: Tensor, width: number): Tensor {
  const [batch, count] = stamps.shape;
  const angles = stamps
    .reshape([batch, count, TIME_COMPONENTS, 1])
    .mul(constant(Float32Array.from(sincosFrequencies(width)), [width / 2]));
  return concat([angles.sin(), angles.cos()], 3).reshape([batch, count, TIME_COMPONENTS * width]);
}

/** Predictions of the bands, `[B, bands in the order of the groups, L, p·q]` → pixels `[B, H·W, C]`, bands in their order. */
export function bandsInPlace(predicted: Tensor, { parts, size, patch }: SatMaeConfig): Tensor {
  const order = parts.kind === 'groups' ? parts.groups.flat() : [];
  const slots = order.map((_, band) => order.indexOf(band)).filter((slot) => slot >= 0);
  const [batch] = predicted.shape;
  const [rows, columns] = [size[0] / patch[0], size[1] / patch[1]];
  return predicted
    .gather(constant(Int32Array.from(slots), [slots.length], 'i32'), 1)
    .reshape([batch, slots.length, rows, columns, ...patch])
    .transpose([0, 2, 4, 3, 5, 1])
    .reshape([batch, size[0] * size[1], slots.length]);
}

/** Predictions of all frames' patches, `[B, T·L, p·q·C]` → `[B, T·H·W, C]`. */
export function framesInPlace(predicted: Tensor, config: SatMaeConfig): Tensor {
  const { size, patch } = config;
  const [batch] = predicted.shape;
  const frames = partCount(config);
  const [rows, columns] = [size[0] / patch[0], size[1] / patch[1]];
  const channels = predicted.shape[2] / (patch[0] * patch[1]);
  return predicted
    .reshape([batch * frames, rows, columns, ...patch, channels])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([batch, frames * size[0] * size[1], channels]);
}

const variants = Object.fromEntries(
  Object.entries(withoutSizes(satMaeVariants)).map(([name, { parts, ...config }]) => [
    name,
    { ...config, parts: parts.kind === 'groups' ? parts : { kind: parts.kind } } as SatMaeSystemConfig,
  ]),
);

export const satMaeSystem: System<SatMaeSystemConfig> = {
  name: 'satmae',
  summary: 'SatMAE: a masked auto-encoder of groups of bands, or of several times',
  paper: 'arXiv 2207.08051',
  variants,
  masksElements: false,
  settings: ['pooling', 'timestamps'],
  grouping: oneGroup,
  attention: ({ depth, patch, parts }, modalities) =>
    parts.kind === 'groups'
      ? plainAttention(depth, modalities[0], patch, { parts: parts.groups.length })
      : plainAttention(depth, framesOf(modalities)[0], patch),
  resizable: ({ patch }) => [gridTables(/^(decoder_)?positions$/, patch, 1)],
  published: [satMaePublished],

  apply(scope, given, modalities, inputs, options = {}) {
    refuseMasks('satmae', options);
    const { name, config, pixels, times } = settledSatMae(given, modalities, inputs);
    const { tokens, embedded, blocks } = satMaeEncoder(scope, config, pixels, { times: times(config.partWidth) });
    const outputs = encoderOutputs(scope, embedded, blocks, withoutClassToken(tokens));
    if (options.encoderOnly) return outputs;
    const [batch, count] = tokens.shape;
    const predicted = satMaeDecoder(scope, config, tokens, {
      restore: inPlace(batch, count - 1),
      times: times(config.decoder.partWidth),
    });
    const inOrder = config.parts.kind === 'groups' ? bandsInPlace : framesInPlace;
    return { ...outputs, reconstruction: { [name]: inOrder(predicted, config) } };
  },

  classify(scope, given, modalities, inputs, classes) {
    const { config, pixels, times } = settledSatMae(given, modalities, inputs);
    const options = { classes, pooling: given.pooling ?? ('average' as const), times: times(config.partWidth) };
    const { embedded, blocks, logits } = satMaeClassifier(scope, config, pixels, options);
    return { ...encoderOutputs(scope, embedded, blocks, withoutClassToken(blocks[blocks.length - 1])), logits };
  },
};
