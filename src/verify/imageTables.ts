/** Parameters of the named sizes of vision transformers, mixers and masked auto-encoders, by the names in `counts.json`. */
import { unknownName } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import { maeDecoder, maeEncoder } from '../models/mae.js';
import { maeVariants } from '../models/maeVariants.js';
import { mlpMixer } from '../models/mlpMixer.js';
import { mlpMixerVariants } from '../models/mlpMixerVariants.js';
import { type VitConfig, vit } from '../models/vit.js';
import { vitVariants } from '../models/vitVariants.js';
import { countParameters, Scope, type Size2d } from '../nn/index.js';

/** Letters of the sizes by the references' words. */
const LETTERS: Record<string, string> = {
  tiny: 'Ti',
  small: 'S',
  base: 'B',
  large: 'L',
  huge: 'H',
  giant: 'g',
  gigantic: 'G',
};

/** Classes of ImageNet-1k, and of ImageNet-21k as timm takes it. */
const [IMAGENET, IMAGENET_21K] = [1000, 21843];

/** `vit_base_patch16_384`, `deit3_huge_patch14_224_in21k`. */
const TIMM_VIT = /^timm\/(?:vit|deit|(deit3))_(\w+)_patch(\d+)_(\d+)(_in21k)?$/;
/** `ViTForImageClassification base_16 (1000 classes)`, `ViTModel base_16 (with pooler)`. */
const HF_VIT = /^hf\/(ViTForImageClassification|ViTModel) (\w+)_(\d+) \((?:(\d+) classes|with pooler)\)$/;

/** A row of `vit/counts.json`. */
export function countVit(row: string): number {
  const timm = TIMM_VIT.exec(row);
  if (timm) {
    const [, deit3, word, patch, size, in21k] = timm;
    const config = variant(vitVariants, `${deit3 ? 'deit3_' : ''}${LETTERS[word]}${patch}`, row);
    return ofVit({ ...config, classes: in21k ? IMAGENET_21K : IMAGENET }, Number(size));
  }
  const hf = HF_VIT.exec(row);
  if (!hf) throw unknownName('size', row, Object.keys(vitVariants));
  const [, entry, word, patch, classes] = hf;
  const config = variant(vitVariants, LETTERS[word] + patch, row);
  return ofVit({ ...config, classes: Number(classes ?? 0), pooler: entry === 'ViTModel' }, 224);
}

/** `mixer_b16_224_in21k`, `gmlp_s16_224`. */
const TIMM_MIXER = /^timm\/(mixer_)?(\w+?)_(\d+)(_in21k)?$/;
/** `MlpMixer(patch 14, 32 blocks, embed_dim 1280)`: the sizes alone. */
const MIXER_ARGUMENTS = /^timm\/MlpMixer\(patch (\d+), (\d+) blocks, embed_dim (\d+)\)/;

/** A row of `mlp_mixer/counts.json`. */
export function countMlpMixer(row: string): number {
  const given = MIXER_ARGUMENTS.exec(row);
  const named = TIMM_MIXER.exec(row);
  const [name, size] = given
    ? [nameOfMixer(given.slice(1).map(Number)), 224]
    : named
      ? [named[1] ? named[2].toUpperCase() : named[2], Number(named[3])]
      : [row, 224];
  const classes = named?.[4] ? IMAGENET_21K : IMAGENET;
  const config = { ...variant(mlpMixerVariants, name, row), classes };
  return counted(size, (scope, pixels, hw) => mlpMixer(scope, config, pixels, hw));
}

function nameOfMixer([patch, depth, width]: number[]): string {
  const found = Object.entries(mlpMixerVariants).find(
    ([, c]) => c.block === 'mixer' && c.patch[0] === patch && c.depth === depth && c.width === width,
  );
  return found ? found[0] : `${width}x${depth}/${patch}`;
}

/** `mae_vit_base_patch16 (trainable)`, `hf/ViTMAEForPreTraining base (all)`. */
const PRETRAINING = /^(?:mae_vit_(\w+?)_patch(\d+)|hf\/ViTMAEForPreTraining (\w+))(?: \((all|trainable)\))?$/;
/** `models_vit.vit_base_patch16 (global_pool, 1000 classes)`. */
const FINETUNING = /^models_vit\.vit_(\w+)_patch(\d+) \((global_pool, )?(\d+) classes\)$/;

/** A row of `mae/counts.json`. */
export function countMae(row: string): number {
  const finetuned = FINETUNING.exec(row);
  if (finetuned) {
    const [, word, patch, isPooled, classes] = finetuned;
    const config = variant(vitVariants, LETTERS[word] + patch, row);
    const pooling = isPooled ? ({ pooling: 'average', normAfterPooling: true } as const) : {};
    return ofVit({ ...config, ...pooling, classes: Number(classes) }, 224);
  }
  const pretrained = PRETRAINING.exec(row);
  if (!pretrained) throw unknownName('size', row, Object.keys(maeVariants));
  const [, word, patch, hfWord, which] = pretrained;
  const letter = LETTERS[word ?? hfWord];
  const config = variant(maeVariants, letter + (patch ?? (letter === 'H' ? 14 : 16)), row);
  const build = (scope: Scope, pixels: Tensor, size: Size2d) => {
    const { tokens } = maeEncoder(scope, config, pixels, size);
    maeDecoder(scope, config, tokens, input('restore', [1, tokens.shape[1] - 1], 'i32'), { size, channels: 3 });
  };
  return counted(224, build, which === 'trainable');
}

function ofVit(config: VitConfig, size: number): number {
  return counted(size, (scope, pixels, hw) => vit(scope, config, pixels, hw));
}

/** Parameters of a model of square images with three channels. */
function counted(
  size: number,
  build: (scope: Scope, pixels: Tensor, size: Size2d) => unknown,
  onlyTrained = false,
): number {
  const scope = Scope.root();
  build(scope, input('pixels', [1, size * size, 3]), [size, size]);
  const all = [...scope.needs.parameters].filter(([, { frozen }]) => !(onlyTrained && frozen));
  return countParameters({ parameters: new Map(all) });
}

function variant<Config>(variants: Record<string, Config>, name: string, row: string): Config {
  if (!Object.hasOwn(variants, name)) throw unknownName(`size of "${row}"`, name, Object.keys(variants));
  return variants[name];
}
