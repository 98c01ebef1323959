/** Golden cases of the vision transformer, in timm's and in Hugging Face's arguments and names. */
import type { Engine } from '../engine/index.js';
import type { Tensor } from '../graph/index.js';
import { hfVit, type Layout, timmVit } from '../models/layouts/index.js';
import { vitOfHf, vitOfTimm } from '../models/published/vit.js';
import { type VitConfig, type VitOutputs, vit } from '../models/vit.js';
import { patchGrid, Scope, type Size2d } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import type { Comparison } from './comparison.js';
import type { GoldenCase } from './goldenCase.js';
import { pairOf, pixelsOf } from './images.js';
import { compareModel } from './referenceModel.js';
import { CaseInputs } from './runGraph.js';

/** Runs a case of the vision transformer. */
export async function verifyVit(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const isHf = golden.config.hidden_size !== undefined;
  const { config, layout, imageSize } = isHf ? fromHf(golden) : fromTimm(golden);
  const inputs = new CaseInputs(golden);
  const { pixels, size } = pixelsOf(inputs.of('images'));
  const scope = Scope.root();
  const model = vit(scope, { ...config, positionGrid: patchGrid(imageSize, config.patch) }, pixels, size);
  const labels = inputs.maybe('labels', 'i32');
  const loss = labels && model.logits && crossEntropy(model.logits, labels);
  const outputs = { ...outputsOf(model, scope), ...(loss && { loss }) };
  await compareModel(golden, comparison, engine, { needs: scope.needs, layout }, inputs, outputs);
}

/** What cases may ask for, by the names of both kinds. */
function outputsOf({ embedded, blocks, tokens, pooled, logits }: VitOutputs, scope: Scope): Record<string, Tensor> {
  return {
    tokens,
    lastHidden: tokens,
    preLogits: pooled,
    pooled,
    ...(logits && { logits }),
    ...Object.fromEntries([embedded, ...blocks].map((x, i) => [`hidden${i}`, x])),
    ...Object.fromEntries(
      blocks.map((_, i) => [`attention${i}`, scope.needs.taps.get(`blocks/${i}/attention/weights`)!]),
    ),
  };
}

interface CaseModel {
  config: VitConfig;
  layout: Layout;
  /** What the table of positions is for. */
  imageSize: Size2d;
}

function fromTimm({ config: c }: GoldenCase): CaseModel {
  const config = vitOfTimm(c);
  return { config, layout: timmVit(config.patch), imageSize: pairOf(c.img_size ?? 224) };
}

/** The class is told by the names of the weights. */
function fromHf(golden: GoldenCase): CaseModel {
  const c = golden.config;
  const names = [...(golden.weights?.keys() ?? [])];
  const prefix = names.some((name) => name.startsWith('vit.')) ? 'vit.' : '';
  const hasHead = names.includes('classifier.weight');
  const config: VitConfig = {
    ...vitOfHf(c),
    pooler: names.some((name) => name.includes('pooler.')),
    classes: hasHead ? tensorOfWeights(golden, 'classifier.weight')[0] : 0,
  };
  return { config, layout: hfVit(config.patch, prefix), imageSize: pairOf(c.image_size ?? 224) };
}

function tensorOfWeights({ weights }: GoldenCase, name: string): readonly number[] {
  return weights!.get(name)!.shape;
}
