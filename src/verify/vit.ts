/** Golden cases of the vision transformer, in timm's and in Hugging Face's arguments and names. */
import type { Engine } from '../engine/index.js';
import type { Tensor } from '../graph/index.js';
import { hfVit, type Layout, timmVit } from '../models/layouts/index.js';
import { type VitConfig, type VitOutputs, vit, vitDefaults } from '../models/vit.js';
import { patchGrid, Scope, type Size2d } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import type { Comparison } from './comparison.js';
import type { GoldenCase } from './goldenCase.js';
import { pairOf, pixelsOf } from './images.js';
import { compareModel } from './referenceModel.js';
import { CaseInputs } from './runGraph.js';
import { epsilonOf, torchActivation } from './torchArguments.js';

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

/** The arguments of timm's `VisionTransformer`, with its defaults. */
function fromTimm({ config: c }: GoldenCase): CaseModel {
  const patch = pairOf(c.patch_size ?? 16);
  const width = c.embed_dim ?? 768;
  const pooling = c.global_pool ?? 'token';
  const classToken = c.class_token ?? true;
  const config: VitConfig = {
    ...vitDefaults,
    patch,
    width,
    depth: c.depth ?? 12,
    heads: c.num_heads ?? 12,
    mlpWidth: Math.trunc(width * (c.mlp_ratio ?? 4)),
    qkvBias: c.qkv_bias ?? true,
    activation: torchActivation(c.act_layer ?? undefined),
    normEpsilon: epsilonOf(c.norm_layer, 1e-6),
    classToken,
    classPosition: !c.no_embed_class,
    preNorm: c.pre_norm ?? false,
    layerScale: c.init_values ?? undefined,
    pooling: pooling === 'avg' ? 'average' : pooling === 'token' ? 'token' : 'none',
    normAfterPooling: c.fc_norm ?? pooling === 'avg',
    classes: c.num_classes ?? 1000,
  };
  return { config, layout: timmVit(patch), imageSize: pairOf(c.img_size ?? 224) };
}

/** The arguments of Hugging Face's `ViTConfig`, with its defaults; the class is told by the names of the weights. */
function fromHf(golden: GoldenCase): CaseModel {
  const c = golden.config;
  const names = [...(golden.weights?.keys() ?? [])];
  const prefix = names.some((name) => name.startsWith('vit.')) ? 'vit.' : '';
  const hasHead = names.includes('classifier.weight');
  const patch = pairOf(c.patch_size ?? 16);
  const config: VitConfig = {
    ...vitDefaults,
    patch,
    width: c.hidden_size,
    depth: c.num_hidden_layers ?? 12,
    heads: c.num_attention_heads ?? 12,
    mlpWidth: c.intermediate_size ?? 3072,
    qkvBias: c.qkv_bias ?? true,
    activation: torchActivation(c.hidden_act),
    normEpsilon: c.layer_norm_eps ?? 1e-12,
    pooler: names.some((name) => name.includes('pooler.')),
    classes: hasHead ? tensorOfWeights(golden, 'classifier.weight')[0] : 0,
  };
  return { config, layout: hfVit(patch, prefix), imageSize: pairOf(c.image_size ?? 224) };
}

function tensorOfWeights({ weights }: GoldenCase, name: string): readonly number[] {
  return weights!.get(name)!.shape;
}
