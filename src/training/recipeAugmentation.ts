/** What a recipe's section `augment` asks of a reader, and of which signals it can be asked. */
import { type Dataset, type ImageAugmentation, type KindName, kindOf } from '../data/index.js';
import { ensure } from '../errors/index.js';
import type { Recipe } from './recipe.js';

type Augment = Recipe['augment'];

/** The kinds that each value is for. Those that only say more about another are not asked. */
const suited: { [K in keyof Augment]?: readonly KindName[] } = {
  randAugment: ['image', 'video'],
  colorJitter: ['image', 'video', 'segmentation'],
  grayscale: ['image', 'video', 'segmentation'],
  erase: ['image', 'video'],
  mixup: ['image', 'audio', 'video', 'bands'],
  cutmix: ['image', 'video', 'bands'],
  timeMask: ['audio', 'video'],
  frequencyMask: ['audio', 'video'],
};

const MIXED: string[] = ['mixup', 'cutmix'] satisfies (keyof Augment)[];

/** Refuses what has no meaning for a data set. @throws HiperceiverError naming the value and the way out */
export function checkAugmentation({ augment, audio, video }: Recipe, dataset: Dataset): void {
  for (const [name, kinds] of Object.entries(suited)) {
    if (isOff(augment[name as keyof Augment])) continue;
    ensure(
      kinds.includes(dataset.kind),
      () => `augment.${name} is not for ${kindOf(dataset).noun}s, which "${dataset.path}" holds: set it to 0.`,
    );
    ensure(
      !MIXED.includes(name) || !dataset.dense,
      () =>
        `augment.${name} mixes the classes of examples, and "${dataset.path}" has one for every pixel: set it to 0.`,
    );
    ensure(
      name !== 'cutmix' || dataset.kind !== 'video' || !video.sound,
      () => 'augment.cutmix cuts boxes out of pictures, and sound has none: use augment.mixup.',
    );
    const heard = dataset.kind === 'audio' || video.sound;
    ensure(
      !name.endsWith('Mask') || (heard && audio.melBins > 0),
      () => `augment.${name} hides log-mel frames: choose how many bands they have with --audio.melBins 64.`,
    );
  }
}

/** What happens to images; undefined where nothing does. */
export function imageAugmentation({ augment }: Pick<Recipe, 'augment'>): ImageAugmentation | undefined {
  const { randAugment: magnitude, randAugmentLayers: layers, colorJitter, grayscale, erase, eraseFill } = augment;
  const most = typeof colorJitter === 'number' ? ([colorJitter, colorJitter, colorJitter, 0] as const) : colorJitter;
  const asked: ImageAugmentation = {
    ...(magnitude > 0 ? { randAugment: { magnitude, layers } } : {}),
    ...(isOff(colorJitter) ? {} : { colorJitter: most }),
    ...(grayscale > 0 ? { grayscale } : {}),
    ...(erase > 0 ? { erase: { probability: erase, fill: eraseFill } } : {}),
  };
  return Object.keys(asked).length > 0 ? asked : undefined;
}

/** Which stripes of log-mel frames are hidden; nothing where none are. */
export function soundAugmentation({
  augment,
}: Pick<Recipe, 'augment'>): Partial<Pick<Augment, 'timeMask' | 'frequencyMask' | 'specMasks'>> {
  const { timeMask, frequencyMask, specMasks } = augment;
  return timeMask > 0 || frequencyMask > 0 ? { timeMask, frequencyMask, specMasks } : {};
}

function isOff(value: unknown): boolean {
  return value === 0 || (Array.isArray(value) && value.every((item) => item === 0));
}
