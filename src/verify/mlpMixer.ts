/** Golden cases of MLP-Mixer and its relatives, in timm's arguments and names. */
import type { Engine } from '../engine/index.js';
import { unknownName } from '../errors/index.js';
import { timmMixer } from '../models/layouts/index.js';
import { type MixerBlockKind, type MlpMixerConfig, mixerDefaults, mlpMixer } from '../models/mlpMixer.js';
import { Scope } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import type { Comparison } from './comparison.js';
import type { GoldenCase } from './goldenCase.js';
import { pairOf, pixelsOf } from './images.js';
import { compareModel } from './referenceModel.js';
import { CaseInputs } from './runGraph.js';
import { epsilonOf, torchActivation } from './torchArguments.js';

/** Our kinds of block by timm's `block_layer` and `mlp_layer`, of which names are enough. */
const BLOCK_KINDS: Record<string, MixerBlockKind> = {
  'MixerBlock Mlp': 'mixer',
  'MixerBlock GluMlp': 'gated',
  'ResBlock Mlp': 'linear',
  'SpatialGatingBlock GatedMlp': 'spatialGate',
};

/** Runs a case of MLP-Mixer. */
export async function verifyMlpMixer(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const config = configOf(golden);
  const inputs = new CaseInputs(golden);
  const { pixels, size } = pixelsOf(inputs.of('images'));
  const scope = Scope.root();
  const { embedded, blocks, tokens, pooled, logits } = mlpMixer(scope, config, pixels, size);
  const labels = inputs.maybe('labels', 'i32');
  const loss = labels && logits && crossEntropy(logits, labels);
  const layout = timmMixer(config.patch, {
    affine: config.affine ? config.width : undefined,
    spatialGate: config.block === 'spatialGate',
  });
  await compareModel(golden, comparison, engine, { needs: scope.needs, layout }, inputs, {
    tokens,
    pooled,
    preLogits: pooled,
    ...(logits && { logits }),
    ...(loss && { loss }),
    ...Object.fromEntries([embedded, ...blocks].map((x, i) => [`hidden${i}`, x])),
  });
}

/** The arguments of timm's `MlpMixer`, with its defaults. */
function configOf({ config: c }: GoldenCase): MlpMixerConfig {
  const lastWord = (name: string | undefined, otherwise: string) => (name ?? otherwise).split('.').pop()!;
  const isSpatial = lastWord(c.block_layer, '') === 'SpatialGatingBlock';
  const kind = `${lastWord(c.block_layer, 'MixerBlock')} ${lastWord(c.mlp_layer, isSpatial ? 'GatedMlp' : 'Mlp')}`;
  if (!Object.hasOwn(BLOCK_KINDS, kind)) throw unknownName('block_layer and mlp_layer', kind, Object.keys(BLOCK_KINDS));
  const block = BLOCK_KINDS[kind];
  const width: number = c.embed_dim ?? 512;
  const ratios = pairOf(c.mlp_ratio ?? (block === 'linear' || block === 'spatialGate' ? 4 : [0.5, 4]));
  return {
    ...mixerDefaults,
    block,
    patch: pairOf(c.patch_size ?? 16),
    width,
    depth: c.num_blocks ?? 8,
    tokenWidth: Math.trunc(ratios[0] * width),
    channelWidth: Math.trunc(ratios[1] * width),
    activation: torchActivation(c.act_layer ?? undefined),
    affine: lastWord(c.norm_layer, '') === 'Affine',
    normEpsilon: epsilonOf(c.norm_layer, 1e-6),
    stemNorm: c.stem_norm ?? false,
    pooling: (c.global_pool ?? 'avg') === 'avg' ? 'average' : 'none',
    classes: c.num_classes ?? 1000,
  };
}
