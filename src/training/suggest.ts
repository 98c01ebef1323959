/** Recipes for people who name only their data: sound beginnings, to be overridden at will. */
import { basename, resolve } from 'node:path';
import { loadCheckpoint } from '../checkpoint/index.js';
import { commonShape, type Dataset, type KindName, kindOf, openData, sampleOf } from '../data/index.js';
import { type SystemName, systemByName } from '../models/index.js';
import { publishedMasking } from '../objectives/index.js';
import { fromConfig, type ModelDescription } from './description.js';
import type { Recipe, RecipeFile } from './recipe.js';
import { usualLength } from './recipeReader.js';

/** Images up to this side are taken as they are stored; larger ones, or those of different sizes, are cut and resized to it. */
const LARGEST_SIDE = 64;
/** Up to so many elements our smallest variant learns fastest. */
const LARGEST_TINY = 1024;
/** Longer recordings are heard in random parts of so many samples. */
const MOST_SAMPLES = 16_384;
/** The sound of videos is heard at no higher rate. */
const HIGHEST_RATE = 16_000;
/** Frames of a clip, and their side. */
const CLIP = { frames: 8, side: 32 };
/** Larger point clouds, and meshes, are seen as a random choice of so many points. */
const MOST_POINTS = 1024;
/** Side of the pieces that rasters are cut into. */
const TILE = 32;

/** What of a recipe depends on the kind of signal, and the number of elements that a model then takes. */
interface Suggestion {
  sections: Omit<RecipeFile, 'name'>;
  elements: number;
}

/** For every kind: sizes that two cores train in minutes, and augmentation that harms nothing. */
const suggestions: { [K in KindName]: (dataset: Dataset) => Promise<Suggestion> } = {
  async image(dataset) {
    const shape = await commonShape(dataset);
    const small = shape !== undefined && Math.max(shape.height, shape.width) <= LARGEST_SIDE;
    const [height, width] = small ? [shape.height, shape.width] : [LARGEST_SIDE, LARGEST_SIDE];
    const grey = shape?.channels === 1;
    const data: RecipeFile['data'] = {
      imageSize: [height, width],
      channels: grey ? 1 : 3,
      crop: small ? 'none' : 'randomResized',
      // Digits and letters are not the same when mirrored; photographs are.
      flip: !grey,
    };
    return { sections: { data }, elements: height * width };
  },

  async audio(dataset) {
    const sounds = await sampleOf(dataset, 'sound');
    const { rate } = sounds[0];
    const samples = Math.min(MOST_SAMPLES, usualLength(sounds.map(({ seconds }) => seconds * rate)));
    return { sections: { data: { crop: 'random' }, audio: { rate, samples, channels: 1 } }, elements: samples };
  },

  async video(dataset) {
    const { frames, side } = CLIP;
    const heard = Math.max(...(await sampleOf(dataset, 'video')).map(({ rate }) => rate));
    const rate = Math.min(HIGHEST_RATE, heard);
    const sections = {
      data: { imageSize: side, crop: 'random', flip: true },
      video: { frames, rate: frames, sound: heard > 0 },
      // As long as the clip: a second.
      audio: heard > 0 ? { rate, samples: 0, channels: 1 } : undefined,
    } as const;
    return { sections, elements: frames * side ** 2 + rate };
  },

  async points(dataset) {
    const [{ count, channels }] = await sampleOf(dataset, 'points');
    const points = { count: Math.min(MOST_POINTS, count), channels, scale: [0.8, 1.25], jitter: 0.01 } as const;
    return { sections: { points: { ...points, scale: [...points.scale] } }, elements: points.count };
  },

  // Whole pictures: what lies at their edges has a class too.
  segmentation: async () => ({
    sections: { data: { imageSize: LARGEST_SIDE, channels: 3, crop: 'none', flip: true } },
    elements: LARGEST_SIDE ** 2,
  }),

  bands: async () => ({
    sections: { data: { imageSize: TILE, crop: 'none', flip: true } },
    elements: TILE ** 2,
  }),
};

/**
 * Masked pre-training of one of our own variants on any data set, at rates that let positions order themselves: the tables
 * begin small and learn ten times faster than the rest. Another system is masked as its paper does it.
 * @throws HiperceiverError where there is nothing to learn from at `path`
 */
export async function suggestPretraining(path: string, system: SystemName = 'hip'): Promise<RecipeFile> {
  const dataset = await openData(path);
  const { sections, elements } = await suggestions[dataset.kind](dataset);
  return {
    name: basename(resolve(path)).replace(/\..*$/, '') || `${kindOf(dataset).noun}s`,
    task: 'pretrain',
    ...sections,
    data: { path, kind: dataset.kind, ...sections.data },
    ...(system === 'hip' ? suggestedHip(elements) : suggestedSystem(system)),
    training: { steps: 2000, batchSize: 16 },
  };
}

type Suggested = Required<Pick<RecipeFile, 'model' | 'masking' | 'optimizer'>>;

function suggestedHip(elements: number): Suggested {
  return {
    model: { name: 'hip', variant: elements <= LARGEST_TINY ? 'tiny' : 'small', positionInitScale: 0.3 },
    masking: { scheme: 'group', ratio: 0.85, input: 'drop', reconstruct: 'masked' },
    optimizer: { learningRate: 3e-3, positionLearningRateScale: 10, warmupSteps: 50, weightDecay: 0.01 },
  };
}

/** The smallest variant of a system, at rates that suit transformers. */
function suggestedSystem(name: SystemName): Suggested {
  const variants = Object.keys(systemByName(name).variants);
  return {
    model: { name, variant: variants.find((variant) => /tiny|mini/i.test(variant)) ?? variants[0] },
    masking: publishedMasking(name),
    optimizer: { learningRate: 1e-3, warmupSteps: 100, weightDecay: 0.05 },
  };
}

/** The head that a system's classes are read by: its own, where it has one. */
function headOf(name: string): Pick<RecipeFile, 'finetune'> {
  const { masksElements, classify } = systemByName(name);
  return masksElements || !classify ? {} : { finetune: { head: 'own' } };
}

/**
 * Fine-tuning of a checkpoint's model, fed as it was pre-trained, for the task that the data tell.
 * @param path the labelled data; without it those of the pre-training
 */
export async function suggestFinetuning(from: string, path?: string): Promise<RecipeFile> {
  const { config } = await loadCheckpoint(from, { parts: [] });
  const description = fromConfig(config, from);
  const before = config.recipe as Recipe | undefined;
  const { data, audio, video, points } = sizesOf(description);
  return {
    name: `${before?.name ?? basename(resolve(from))}-finetune`,
    task: 'finetune',
    // Other data may be of another kind that makes the same signals: images with label maps.
    data: { ...before?.data, ...data, ...(path === undefined ? {} : { path, kind: 'auto' }) },
    audio: { ...before?.audio, ...audio },
    video: { ...before?.video, ...video },
    points: { ...before?.points, ...points },
    bands: before?.bands,
    model: { ...before?.model, name: description.system as Recipe['model']['name'], variant: description.variant },
    finetune: { ...headOf(description.system).finetune, from },
    optimizer: FINETUNING_RATES,
    training: { steps: 1000, batchSize: 16 },
  };
}

/** The sections of a recipe that make the inputs which a model takes. */
function sizesOf({
  reader,
}: Pick<ModelDescription, 'reader'>): Pick<RecipeFile, 'data' | 'audio' | 'video' | 'points'> {
  switch (reader?.kind) {
    case 'image':
    case 'segmentation':
      return { data: { imageSize: [...reader.imageSize], channels: reader.channels === 1 ? 1 : 3 } };
    case 'audio':
      return { audio: { rate: reader.rate, samples: reader.samples, channels: reader.channels } };
    case 'video': {
      const { imageSize, frames, frameRate, sound } = reader;
      return {
        data: { imageSize: [...imageSize] },
        video: { frames, rate: frameRate, sound: sound !== undefined },
        audio: sound && { rate: sound.rate, samples: sound.samples ?? 0, channels: sound.channels },
      };
    }
    case 'points':
      return { points: { count: reader.points, channels: reader.channels } };
    case 'bands':
      return { data: { imageSize: [...reader.imageSize] } };
    default:
      return {};
  }
}

/** Learning the task of the data from scratch, with the model that {@link suggestPretraining} chooses. */
export async function suggestScratch(path: string, system?: SystemName): Promise<RecipeFile> {
  const { name, masking: _, ...rest } = await suggestPretraining(path, system);
  return {
    ...rest,
    name: `${name}-scratch`,
    task: 'finetune',
    ...headOf(rest.model?.name ?? 'hip'),
    optimizer: FINETUNING_RATES,
    training: { steps: 1000, batchSize: 16 },
  };
}

const FINETUNING_RATES = { learningRate: 1e-3, warmupSteps: 50, weightDecay: 0.05 };
