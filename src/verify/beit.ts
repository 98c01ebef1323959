/** Golden cases of BEiT: classification, masked images, segmentation; its masks, tables and tokens. */
import type { Engine } from '../engine/index.js';
import { HiperceiverError } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import { beit, beitClassHead, beitPool, beitTokenHead, patchTokens } from '../models/beit.js';
import { encodeTokens, mostProbableTokens, tokenGrid } from '../models/discreteVae.js';
import { dalleVae, hfBeit, type Layout, storedAs, unilmBeit } from '../models/layouts/index.js';
import { patchSegmentation } from '../models/patchSegmentation.js';
import { type BeitReference, beitOfReference } from '../models/published/beitClasses.js';
import {
  fromMap,
  type ModelNeeds,
  norm,
  patchGrid,
  resizedLinearly,
  resizeRelativePositions,
  Scope,
  toMap,
} from '../nn/index.js';
import { atPlaces, blockwiseMask, crossEntropy, maskedPlaces, maskedTokenLoss } from '../objectives/index.js';
import { vitLayerOf } from '../optim/index.js';
import { parameterGroups } from '../optim/parameterGroups.js';
import type { Comparison } from './comparison.js';
import { floatsOf, type GoldenCase, integersOf, tensorOf } from './goldenCase.js';
import { pairOf, pixelsOf } from './images.js';
import { compareModel } from './referenceModel.js';
import { CaseInputs } from './runGraph.js';
import type { CaseRunner } from './verifyCase.js';

/** Runs a case of BEiT: what kind it is, its inputs tell. */
export const verifyBeit: CaseRunner = async (golden, comparison, engine) => {
  const has = (input: string) => golden.io.has(`input.${input}`);
  if (has('u')) return verifyMasks(golden, comparison);
  if (has('table')) return verifyTable(golden, comparison);
  if (!has('images')) throw new HiperceiverError('no case of BEiT is known by these inputs');
  if (golden.config.n_hid !== undefined) return verifyTokens(golden, comparison, engine);
  return verifyModel(golden, comparison, engine);
};

/** Block-wise masks from a given stream of uniform numbers. */
function verifyMasks(golden: GoldenCase, comparison: Comparison): void {
  const { input_size, num_masking_patches, min_num_patches, max_num_patches, min_aspect, max_aspect } = golden.config;
  const grid: [number, number] = Array.isArray(input_size) ? [input_size[0], input_size[1]] : [input_size, input_size];
  const options = {
    grid,
    numMasked: num_masking_patches,
    minBlock: min_num_patches ?? 4,
    maxBlock: max_num_patches ?? undefined,
    minAspect: min_aspect ?? 0.3,
    maxAspect: max_aspect ?? undefined,
  };
  const [rows, length] = tensorOf(golden, 'input.u').shape;
  const numbers = floatsOf(golden, 'input.u');
  const drawsUsed: number[] = [];
  const masks = Array.from({ length: rows }, (_, row) => {
    let used = 0;
    const mask = blockwiseMask(options, () => numbers[row * length + used++]);
    drawsUsed.push(used);
    return mask;
  });
  comparison.expect(
    'output.mask',
    masks.flatMap((mask) => [...mask]),
    { shape: [rows, ...grid], rtol: 0, atol: 0 },
  );
  if (comparison.wants('output.drawsUsed')) comparison.expect('output.drawsUsed', drawsUsed, { rtol: 0, atol: 0 });
}

/** A table of relative positions for another window; one number stands for a square. */
function verifyTable(golden: GoldenCase, comparison: Comparison): void {
  const { srcWindow, dstWindow, heads } = golden.config;
  const table = resizeRelativePositions(floatsOf(golden, 'input.table'), pairOf(srcWindow), pairOf(dstWindow));
  comparison.expect('output.table', table, { shape: [table.length / heads, heads] });
}

/** Visual tokens by DALL-E's encoder. */
async function verifyTokens(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const {
    n_hid: hidden,
    n_blk_per_group: blocksPerGroup,
    vocab_size: vocabulary,
    group_count: groups = 4,
  } = golden.config;
  const inputs = new CaseInputs(golden);
  const { pixels, size } = pixelsOf(inputs.of('images'));
  const scope = Scope.root();
  const config = { hidden, blocksPerGroup, groups, vocabulary, decoderInputs: 128 };
  const logits = encodeTokens(scope, config, pixels, size);
  const grid = tokenGrid(config, size);
  await compareModel(golden, comparison, engine, { needs: scope.needs, layout: dalleVae }, inputs, {
    logits: toMap(logits, grid),
    tokens: mostProbableTokens(logits).reshape([pixels.shape[0], ...grid]),
  });
}

/** A model with its head: outputs, loss and gradients. */
async function verifyModel(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const inputs = new CaseInputs(golden);
  const { pixels, size } = pixelsOf(inputs.of('images'));
  const reference = beitOfReference(String(golden.json.reference?.entry ?? ''), golden.config, size);
  const { config, head } = reference;
  const layout = (reference.layout === 'hf' ? hfBeit : unilmBeit)(config.patch);
  const scope = Scope.root();
  const masked = inputs.maybe('boolMaskedPos');
  const states = beit(scope, config, pixels, masked);
  const outputs = {
    hidden0: states.states[0],
    lastHidden: states.states[config.depth],
    ...headOutputs[head.kind](golden, inputs, scope, reference, states),
  };
  await compareModel(golden, comparison, engine, { needs: scope.needs, layout }, inputs, outputs);
  if (golden.json.layerDecay) verifyLayerDecay(golden, comparison, scope.needs, layout, config.depth);
}

type HeadOutputs = (
  golden: GoldenCase,
  inputs: CaseInputs,
  scope: Scope,
  reference: BeitReference,
  states: ReturnType<typeof beit>,
) => Record<string, Tensor>;

const tokens: HeadOutputs = (golden, inputs, scope, { config, head }, { output }) => {
  const { vocabulary, ownNorm } = head as Extract<BeitReference['head'], { kind: 'tokens' }>;
  const features = ownNorm ? norm(scope.child('token_norm'), output, config.normEpsilon) : output;
  const logits = beitTokenHead(scope, patchTokens(features), vocabulary);
  const places = maskedPlaces(integersOf(golden, 'input.boolMaskedPos'));
  inputs.feeds.places = places;
  const maskedLogits = atPlaces(logits, input('places', [places.length], 'i32'));
  const labels = inputs.maybe('labels', 'i32');
  return {
    features,
    logits,
    allLogits: logits,
    maskedLogits,
    ...(labels && { loss: maskedTokenLoss(maskedLogits, labels).loss }),
  };
};

const classes: HeadOutputs = (_golden, inputs, scope, { config, head }, { output }) => {
  const { classes, pooling } = head as Extract<BeitReference['head'], { kind: 'classes' }>;
  const pooled = beitPool(scope, output, pooling, config.normEpsilon);
  const logits = beitClassHead(scope, pooled, classes);
  const labels = inputs.maybe('labels', 'i32');
  return { features: pooled, pooled, logits, ...(labels && { loss: crossEntropy(logits, labels) }) };
};

const segmentation: HeadOutputs = (_golden, inputs, scope, { config, head }, { states }) => {
  const own = head as Extract<BeitReference['head'], { kind: 'segmentation' }>;
  const { main, auxiliary } = patchSegmentation(scope, own.config, states, patchGrid(config.size, config.patch));
  const labels = inputs.maybe('labels', 'i32');
  const lossOf = (map: Tensor, labels: Tensor) => {
    const pixels = fromMap(resizedLinearly(map, [labels.shape[1], labels.shape[2]]));
    const rows = pixels.reshape([-1, pixels.shape[2]]);
    return crossEntropy(rows, labels.reshape([-1]), { ignore: own.ignore });
  };
  if (!labels) return { logits: main } as Record<string, Tensor>;
  const loss = lossOf(main, labels);
  const weighted = auxiliary && lossOf(auxiliary, labels).mul(own.auxiliaryWeight);
  return { logits: main, loss: weighted ? loss.add(weighted) : loss };
};

const headOutputs: Record<BeitReference['head']['kind'], HeadOutputs> = { tokens, classes, segmentation };

/** Factors on the learning rate and decay of each parameter, by the reference's names. */
function verifyLayerDecay(
  golden: GoldenCase,
  comparison: Comparison,
  { parameters }: ModelNeeds,
  layout: Layout,
  depth: number,
): void {
  const { layer_decay: layerDecay, weight_decay: weightDecay, perParameter } = golden.json.layerDecay;
  const named = [...parameters.values()].flatMap((p) => storedAs(layout, p) ?? []);
  const groups = parameterGroups(named, {
    weightDecay,
    noDecay: ['cls_token', 'pos_embed'],
    layerDecay,
    layerOf: vitLayerOf(depth),
    numLayers: depth + 1,
  });
  const expected = Object.entries(perParameter as Record<string, { lr_scale: number; weight_decay: number }>);
  const got = expected.flatMap(([name]) => {
    const group = groups.get(name);
    return group ? [group.learningRateScale, group.weightDecay] : [Number.NaN, Number.NaN];
  });
  comparison.expectValues(
    'layerDecay',
    got,
    expected.flatMap(([, group]) => [group.lr_scale, group.weight_decay]),
  );
}
