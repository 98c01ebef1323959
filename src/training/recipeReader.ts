/** How a recipe's examples are read: its sections, made into the reader of the data set's kind. */
import { commonShape, type Dataset, type KindName, type Reader, sampleOf } from '../data/index.js';
import { ensure } from '../errors/index.js';
import type { Recipe } from './recipe.js';
import { checkAugmentation, imageAugmentation, soundAugmentation } from './recipeAugmentation.js';

type ReaderOf<K extends KindName> = Extract<Reader, { kind: K }>;

/** Statistics that change nothing: the true ones are set afterwards. */
const UNCHANGED = { mean: [0], std: [1] };

/** For every kind: the reader that a recipe asks for. */
const readers: { [K in KindName]: (recipe: Recipe, dataset: Dataset) => Promise<ReaderOf<K>> } = {
  async image({ data, augment }, dataset) {
    const stored = data.imageSize === 0 || data.channels === 0 ? await commonShape(dataset) : undefined;
    return {
      kind: 'image',
      imageSize: sizeOf(data.imageSize, stored, dataset),
      channels: data.channels === 0 ? Math.min(3, stored?.channels ?? 3) : data.channels,
      ...viewOf(data),
      augment: imageAugmentation({ augment }),
      ...UNCHANGED,
    };
  },

  async audio({ audio, data, augment }, dataset) {
    const sounds = audio.rate > 0 && audio.samples > 0 ? [] : await sampleOf(dataset, 'sound');
    const rate = audio.rate || sounds[0].rate;
    return {
      kind: 'audio',
      ...{
        rate,
        channels: audio.channels,
        patch: audio.patch,
        melBins: audio.melBins,
        shift: audio.shift,
        gain: audio.gain,
      },
      samples:
        audio.samples ||
        usualLength(
          sounds.map((sound) => sound.seconds * rate),
          audio.patch,
        ),
      crop: data.crop === 'none' ? 'start' : data.crop === 'center' ? 'center' : 'random',
      ...soundAugmentation({ augment }),
      ...UNCHANGED,
    };
  },

  async video({ video, audio, data, augment }, dataset) {
    const { frames, rate, start, sound } = video;
    const heard = sound && audio.rate === 0 ? await sampleOf(dataset, 'video') : [];
    return {
      kind: 'video',
      ...{ frames, frameRate: rate, start },
      imageSize: sizeOf(data.imageSize, undefined, dataset),
      ...viewOf(data),
      augment: imageAugmentation({ augment }),
      sound: sound
        ? {
            rate: audio.rate || (heard.find((own) => own.rate > 0)?.rate ?? 16000),
            channels: audio.channels,
            patch: audio.patch,
            melBins: audio.melBins,
            samples: audio.samples || undefined,
            gain: audio.gain,
            ...soundAugmentation({ augment }),
          }
        : undefined,
      ...UNCHANGED,
    };
  },

  async points({ points }, dataset) {
    const { count, channels, ...rest } = points;
    const [first] = count > 0 && channels > 0 ? [] : await sampleOf(dataset, 'points');
    return {
      kind: 'points',
      points: count || first.count,
      channels: channels || first.channels,
      ...rest,
      ...UNCHANGED,
    };
  },

  async segmentation(recipe, dataset) {
    const image = await readers.image(recipe, dataset);
    const { colors, ids, ignore = [] } = dataset.dense ?? {};
    return { ...image, kind: 'segmentation', colors, ids, ignore };
  },

  async bands({ bands, data, task }, dataset) {
    const [first] = await sampleOf(dataset, 'raster');
    const dates = first.dates ?? 1;
    const told = bands.dates.length;
    ensure(
      told === 0 || told === dates,
      () =>
        `bands.dates names ${told} dates, but the rasters of "${dataset.path}" have ${dates}: name them all, or none.`,
    );
    ensure(
      told === 0 || !dataset.dense || task === 'pretrain',
      () => `A class for each pixel belongs to no single date of "${dataset.path}": leave out bands.dates to segment.`,
    );
    return {
      kind: 'bands',
      imageSize: sizeOf(data.imageSize, undefined, dataset),
      bands: bands.use.length > 0 ? bands.use : first.bands / dates,
      dateCount: dates,
      frames: told > 0 || undefined,
      scale: bands.scale,
      ...viewOf(data),
      flip: data.flip ? 'dihedral' : false,
      labels: told > 0 ? undefined : dataset.dense && { ids: dataset.dense.ids, ignore: dataset.dense.ignore },
      ...UNCHANGED,
    };
  },
};

/** The reader of a recipe for its data set. */
export async function recipeReader(recipe: Recipe, dataset: Dataset): Promise<Reader> {
  checkAugmentation(recipe, dataset);
  const reader = await readers[dataset.kind](recipe, dataset);
  const { permutation } = recipe.data;
  return permutation < 0 ? reader : { ...reader, permutation };
}

/** Which window is shown. */
function viewOf({
  window,
  crop,
  cropScale,
  flip,
}: Recipe['data']): Pick<ReaderOf<'image'>, 'window' | 'crop' | 'cropScale' | 'flip'> {
  // Four numbers or none, which the reader checks.
  const part = window.length > 0 ? { window: window as [number, number, number, number] } : {};
  return { ...part, crop, cropScale, flip };
}

/** Height and width, as stored where the recipe says 0. */
function sizeOf(
  imageSize: Recipe['data']['imageSize'],
  stored: { height: number; width: number } | undefined,
  dataset: Dataset,
): [number, number] {
  if (imageSize !== 0) return typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize;
  ensure(stored, () => `The images of ${dataset.path} have different sizes: choose one with --image-size 224.`);
  return [stored.height, stored.width];
}

/** The length that 19 of 20 do not exceed, in whole multiples of 64 samples and of a piece. */
export function usualLength(lengths: number[], patch = 1): number {
  const sorted = [...lengths].sort((a, b) => a - b);
  const multiple = 64 * patch;
  return multiple * Math.ceil(sorted[Math.min(sorted.length - 1, Math.floor(0.95 * sorted.length))] / multiple);
}
