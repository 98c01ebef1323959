/**
 * Segmentation with a transformer of patches, as BEiT does it (arXiv 2106.08254, appendix F): four of its states become maps of
 * four sizes, which UperNet joins.
 */
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import {
  batchNormLayer,
  doubledByConvolution,
  fromMap,
  gelu,
  halvedByMax,
  patchGrid,
  resizedLinearly,
  type Scope,
  type Size2d,
} from '../nn/index.js';
import type { DenseLogits, PerceiverOutputs } from './system.js';
import { type SegmentationMaps, type UpperNetConfig, upperNet, upperNetDefaults } from './upperNet.js';

/** Sizes of the heads, and what they read. */
export interface PatchSegmentationConfig extends UpperNetConfig {
  /** Four states of the transformer, counted from the embedded tokens (0). */
  states: readonly number[];
}

/**
 * The heads with their defaults on the states after a third, a half, two thirds and all of the blocks; in shallow models after
 * the first four.
 * @param before how many blocks before those the states are taken
 */
export function segmentationOf({ depth }: { depth: number }, classes: number, before = 0): PatchSegmentationConfig {
  const shares = [1 / 3, 1 / 2, 2 / 3, 1];
  const states = shares.map((share, i) => Math.min(Math.max(Math.round(depth * share) - before, i + 1), depth));
  return { ...upperNetDefaults, classes, states };
}

/**
 * Logits of every class at a quarter of a patch's size.
 * @param states `[B, (1+)N, D]`, of which those of `config.states` are read
 * @param grid rows and columns of patches
 * @returns `main` `[B, classes, 4·rows, 4·columns]`, and `auxiliary` `[B, classes, rows, columns]`
 */
export function patchSegmentation(
  scope: Scope,
  config: PatchSegmentationConfig,
  states: readonly Tensor[],
  grid: Size2d,
): SegmentationMaps {
  ensure(
    config.states.length === 4 && config.states.every((k) => Number.isInteger(k) && k >= 0 && k < states.length),
    () =>
      `Segmentation reads four states of the transformer, 0 to ${states.length - 1}, not ${config.states.join(', ')}.`,
  );
  const maps = config.states.map((k) => tokenMap(states[k], grid));
  return upperNet(scope, config, pyramid(scope, maps));
}

/** The same for every pixel of an image, beside what the encoder answers. */
export function segmentPatches(
  scope: Scope,
  config: PatchSegmentationConfig,
  states: readonly Tensor[],
  { size, patch, outputs }: { size: Size2d; patch: Size2d; outputs: PerceiverOutputs },
): DenseLogits {
  return ofPixels(patchSegmentation(scope, config, states, patchGrid(size, patch)), size, outputs);
}

/** Maps of logits as logits of every pixel. */
export function ofPixels({ main, auxiliary }: SegmentationMaps, size: Size2d, outputs: PerceiverOutputs): DenseLogits {
  const resized = (map: Tensor) => fromMap(resizedLinearly(map, size));
  return { ...outputs, logits: resized(main), auxiliary: auxiliary && resized(auxiliary) };
}

/** Tokens `[B, (1+)N, D]` without a class token as a map `[B, D, rows, columns]`. */
export function tokenMap(state: Tensor, [rows, columns]: Size2d): Tensor {
  const [batch, count, width] = state.shape;
  return state
    .slice([undefined, [count - rows * columns, count]])
    .transpose([0, 2, 1])
    .reshape([batch, width, rows, columns]);
}

/** Maps at 4, 2, 1 and 1/2 times the grid of patches. */
function pyramid(scope: Scope, [first, second, third, fourth]: Tensor[]): Tensor[] {
  const width = first.shape[1];
  const up = scope.child('fourfold');
  const doubled = gelu(batchNormLayer(up.child('norm'), doubledByConvolution(up.child('first'), first, width)));
  return [
    doubledByConvolution(up.child('second'), doubled, width),
    doubledByConvolution(scope.child('twofold'), second, width),
    third,
    halvedByMax(fourth),
  ];
}
