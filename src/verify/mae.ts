/** Golden cases of masked auto-encoders: pre-training, its first steps, fine-tuning, and tables of positions. */
import type { Engine } from '../engine/index.js';
import { input, type Values } from '../graph/index.js';
import { hfMae, originalMae, storedAs } from '../models/layouts/index.js';
import { maeDecoder, maeEncoder } from '../models/mae.js';
import { maeOfHf, maeOfOriginal } from '../models/published/mae.js';
import { type VitConfig, vit, vitDefaults } from '../models/vit.js';
import { patchGrid, resizePositions, Scope, sincos2d } from '../nn/index.js';
import { crossEntropy, maskFromOrder, numKept, orderByNoise, patchReconstruction } from '../objectives/index.js';
import { parameterGroups, vitLayerOf } from '../optim/index.js';
import type { Comparison } from './comparison.js';
import { floatsOf, type GoldenCase, tensorOf } from './goldenCase.js';
import { pairOf, pixelsOf } from './images.js';
import { compareCount, compareModel, type ReferenceModel } from './referenceModel.js';
import { CaseInputs } from './runGraph.js';
import { compareTrajectory } from './trajectory.js';

/** Runs a case of MAE, told apart by its inputs: noise for pre-training, labels for fine-tuning, else tables. */
export async function verifyMae(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  if (!golden.io.has('input.images')) verifyTables(golden, comparison);
  else if (golden.io.has('input.noise')) await verifyPretraining(golden, comparison, engine);
  else await verifyFinetuning(golden, comparison, engine);
}

async function verifyPretraining(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const isHf = golden.config.hidden_size !== undefined;
  const config = isHf ? maeOfHf(golden.config) : maeOfOriginal(golden.config);
  const { shape } = tensorOf(golden, 'input.images');
  const images = input('images', shape.slice(-4));
  const { pixels, size } = pixelsOf(images);
  const [batch, , channels] = pixels.shape;
  const length = patchGrid(size, config.patch).reduce((a, b) => a * b);
  const count = numKept(length, golden.config.mask_ratio ?? 0.75);
  const [kept, restore, mask] = [
    input('kept', [batch, count], 'i32'),
    input('restore', [batch, length], 'i32'),
    input('mask', [batch, length]),
  ];
  const scope = Scope.root();
  const encoded = maeEncoder(scope, config, pixels, size, kept);
  const prediction = maeDecoder(scope, config, encoded.tokens, restore, { size, channels });
  const normalize = golden.config.norm_pix_loss ?? false;
  const { loss, target } = patchReconstruction(prediction, pixels, mask, { size, patch: config.patch, normalize });
  const model: ReferenceModel = {
    needs: scope.needs,
    layout: isHf ? hfMae(config.patch) : originalMae(config.patch),
  };
  const maskOf = (step: number) => {
    const own = floatsOf(golden, 'input.noise').subarray(step * batch * length, (step + 1) * batch * length);
    return maskFromOrder(orderByNoise(own, length), length, count);
  };
  const feedsOf = (step: number): Record<string, Values> => {
    const drawn = maskOf(step);
    const pixelValues = floatsOf(golden, 'input.images').subarray(step * images.size, (step + 1) * images.size);
    return { images: pixelValues, kept: drawn.kept, restore: drawn.restore, mask: drawn.mask };
  };
  if (golden.json.training) {
    compareCount(golden, comparison, model);
    await compareTrajectory(golden, comparison, engine, model, loss, feedsOf);
    return;
  }
  const drawn = maskOf(0);
  if (comparison.wants('output.mask')) comparison.expect('output.mask', drawn.mask, { shape: [batch, length] });
  if (comparison.wants('output.idsRestore'))
    comparison.expect('output.idsRestore', drawn.restore, { shape: [batch, length] });
  const inputs = new CaseInputs(golden);
  Object.assign(inputs.feeds, feedsOf(0));
  await compareModel(golden, comparison, engine, model, inputs, {
    latent: encoded.tokens,
    pred: prediction,
    logits: prediction,
    target,
    loss,
    ...Object.fromEntries([encoded.embedded, ...encoded.blocks].map((x, i) => [`hidden${i}`, x])),
  });
}

/** The classifier is a plain vision transformer whose positions are trained. */
async function verifyFinetuning(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const c = golden.config;
  const { decoder: _, ...encoder } = maeOfOriginal(c);
  const config: VitConfig = {
    ...vitDefaults,
    ...encoder,
    pooling: c.global_pool ? 'average' : 'token',
    normAfterPooling: Boolean(c.global_pool),
    classes: c.num_classes ?? 1000,
  };
  const inputs = new CaseInputs(golden);
  const { pixels, size } = pixelsOf(inputs.of('images'));
  const scope = Scope.root();
  const { tokens, pooled, logits } = vit(scope, config, pixels, size);
  const labels = inputs.maybe('labels', 'i32');
  const loss = labels && logits && crossEntropy(logits, labels);
  const model: ReferenceModel = { needs: scope.needs, layout: originalMae(config.patch) };
  compareGroups(golden, comparison, model, config.depth);
  await compareModel(golden, comparison, engine, model, inputs, {
    tokens,
    features: pooled,
    ...(logits && { logits }),
    ...(loss && { loss }),
  });
}

/** Learning-rate scale and weight decay of every tensor, which case.json may hold as `layerDecay`. */
function compareGroups({ json }: GoldenCase, comparison: Comparison, { needs, layout }: ReferenceModel, depth: number) {
  if (!json.layerDecay) return;
  const { layer_decay: layerDecay, weight_decay: weightDecay, no_weight_decay_list: exempt } = json.layerDecay;
  const expected = json.layerDecay.perParameter as Record<string, { lr_scale: number; weight_decay: number }>;
  const parameters = [...needs.parameters.values()].map((p) => ({ ...p, stored: storedAs(layout, p)?.name ?? p.name }));
  const groups = parameterGroups(parameters, {
    weightDecay,
    layerDecay,
    noDecay: parameters.filter(({ stored }) => exempt.includes(stored)).map(({ name }) => name),
    layerOf: vitLayerOf(depth),
    numLayers: depth + 1,
  });
  for (const { name, stored } of parameters) {
    const group = groups.get(name)!;
    const { lr_scale: scale, weight_decay: decay } = expected[stored];
    comparison.expectValues(`layerDecay.${stored}`, [group.learningRateScale, group.weightDecay], [scale, decay]);
  }
}

/** Sine-cosine tables, and a learned table resized to another grid, by what each entry of `config` holds. */
function verifyTables(golden: GoldenCase, comparison: Comparison): void {
  for (const [name, options] of Object.entries(golden.config as Record<string, TableOptions>)) {
    if (!comparison.wants(`output.${name}`)) continue;
    if (options.embed_dim !== undefined) {
      const { data, rows, channels } = sincos2d(options.embed_dim, pairOf(options.grid_size!));
      const front = options.cls_token ? 1 : 0;
      const table = Float32Array.from([...new Float32Array(front * channels), ...data]);
      comparison.expect(`output.${name}`, table, { shape: [rows + front, channels] });
    } else {
      const [from, to] = [pairOf(options.from!), pairOf(options.to!)];
      const [one, rows, channels] = tensorOf(golden, 'input.posEmbed').shape;
      const front = rows - from[0] * from[1];
      const table = resizePositions(floatsOf(golden, 'input.posEmbed'), from, to, 'cubic', front);
      comparison.expect(`output.${name}`, table, { shape: [one, front + to[0] * to[1], channels] });
    }
  }
}

interface TableOptions {
  embed_dim?: number;
  grid_size?: number | number[];
  cls_token?: boolean;
  from?: number | number[];
  to?: number | number[];
}
