/** Golden tables of BEiT: how many parameters its named sizes have, and what its random masks look like on average. */
import { HiperceiverError } from '../errors/index.js';
import { input } from '../graph/index.js';
import { type BeitConfig, beit, beitClassHead, beitPool, beitTokenHead } from '../models/beit.js';
import { beitVariants, forClasses, forMaskedImages } from '../models/beitVariants.js';
import { encodeTokens } from '../models/discreteVae.js';
import { patchSegmentation, segmentationOf } from '../models/patchSegmentation.js';
import { countParameters, norm, patchGrid, Scope } from '../nn/index.js';
import { drawBlockwiseMask } from '../objectives/index.js';
import { fold, keyFrom } from '../random/index.js';
import type { Check } from './comparison.js';
import { pairOf } from './images.js';

/**
 * Parameters of a size by the reference's names: `beit_large_patch16_384 (…, 1000 classes)`,
 * `hf/BeitForSemanticSegmentation base 640 ade20k-150`, `dall_e Encoder (256 hid, 2 blk/group, 8192)`.
 */
export function countBeit(row: string): number {
  const encoder = /dall_e Encoder \((\d+) hid, (\d+) blk\/group, (\d+)\)/.exec(row);
  if (encoder) return countEncoder(...(encoder.slice(1).map(Number) as [number, number, number]));
  const size = /(base|large)/.exec(row)?.[1];
  if (!size) throw new HiperceiverError(`no size of BEiT is called "${row}"`);
  const variant = beitVariants[size === 'base' ? 'B16' : 'L16'];
  const unilm = /patch(\d+)_(\d+)(_8k_vocab)?/.exec(row);
  const segmentation = /SemanticSegmentation \w+ (\d+) \S*?-(\d+)/.exec(row);
  const [, patch, pixels] = unilm ?? ['', '16', segmentation?.[1] ?? '224'];
  const config = { ...variant, patch: pairOf(Number(patch)), size: pairOf(Number(pixels)) };
  if (segmentation) return countSegmentation(config, Number(segmentation[2]));
  const tokens = unilm?.[3] ? 8192 : Number(/MaskedImageModeling .*_(\d+)$/.exec(row)?.[1]);
  if (tokens) return countMasked(config, tokens, row.startsWith('hf/'));
  return countClasses(config, Number(/(\d+) classes/.exec(row)?.[1] ?? / (\d+)(?: |$)/.exec(row)?.[1]));
}

/** Tokens of one image, and the scope in which they were made. */
function build(config: BeitConfig) {
  const scope = Scope.root();
  const [height, width] = config.size;
  return { scope, ...beit(scope, config, input('pixels', [1, height * width, config.channels])) };
}

function countMasked(config: BeitConfig, vocabulary: number, ownNorm: boolean): number {
  const { scope, output } = build({ ...forMaskedImages(config), finalNorm: !ownNorm });
  const features = ownNorm ? norm(scope.child('token_norm'), output) : output;
  beitTokenHead(scope, features, vocabulary);
  return countParameters(scope.needs);
}

function countClasses(config: BeitConfig, classes: number): number {
  const { scope, output } = build(forClasses(config, 'mean'));
  beitClassHead(scope, beitPool(scope, output, 'mean', config.normEpsilon), classes);
  return countParameters(scope.needs);
}

function countSegmentation(config: BeitConfig, classes: number): number {
  const { scope, states } = build(config);
  patchSegmentation(scope, segmentationOf(config, classes), states, patchGrid(config.size, config.patch));
  return countParameters(scope.needs);
}

function countEncoder(hidden: number, blocksPerGroup: number, vocabulary: number): number {
  const scope = Scope.root();
  const config = { hidden, blocksPerGroup, vocabulary, groups: 4, decoderInputs: 1 };
  encodeTokens(scope, config, input('pixels', [1, 64, 3]), [8, 8]);
  return countParameters(scope.needs);
}

/** What the reference's generator gave in many draws. */
export interface MaskStatistics {
  masks: number;
  countMin: number;
  countMax: number;
  countMean: number;
  /** Share of the masks in which each patch is hidden, to three decimals. */
  meanFrequencyMap: number[][];
  config: {
    input_size: number | [number, number];
    num_masking_patches: number;
    min_num_patches?: number;
    max_num_patches?: number;
    min_aspect?: number;
  };
}

/** How many standard deviations two samples of the same generator may be apart: one patch in a million is further. */
const DEVIATIONS = 5;

/** As many masks of ours: their sizes and where they lie may differ from the reference's by chance alone. */
export function checkMaskStatistics(expected: MaskStatistics): Check[] {
  const { masks, config, countMin, countMax, countMean } = expected;
  const grid = pairOf(config.input_size);
  const options = {
    grid,
    numMasked: config.num_masking_patches,
    minBlock: config.min_num_patches ?? 4,
    maxBlock: config.max_num_patches,
    minAspect: config.min_aspect,
  };
  const hidden = new Float64Array(grid[0] * grid[1]);
  const counts = Array.from({ length: masks }, (_, i) => {
    const mask = drawBlockwiseMask(options, fold(keyFrom(0), 'masks', i));
    mask.forEach((masked, at) => (hidden[at] += masked / masks));
    return mask.reduce((total, masked) => total + masked, 0);
  });
  const mean = counts.reduce((a, b) => a + b) / masks;
  const variance = counts.reduce((total, count) => total + (count - mean) ** 2, 0) / masks;
  const byChance = (v: number) => DEVIATIONS * Math.sqrt((2 * v) / masks);
  return [
    near('countMax', Math.max(...counts), countMax, 0),
    // The smallest of many is a chance event of its own: a rare mask more or less.
    near('countMin', Math.min(...counts), countMin, DEVIATIONS),
    near('countMean', mean, countMean, byChance(variance)),
    ...expected.meanFrequencyMap.flatMap((row, r) =>
      row.map((share, c) =>
        near(`meanFrequencyMap[${r}][${c}]`, hidden[r * grid[1] + c], share, byChance(share * (1 - share)) + 5e-4),
      ),
    ),
  ];
}

function near(name: string, got: number, wanted: number, tolerance: number): Check {
  const error = Math.abs(got - wanted);
  if (error <= tolerance) return { name, error, ok: true };
  return { name, error, ok: false, reason: `${got}, not ${wanted} within ${tolerance.toPrecision(2)}` };
}
