import { type SystemName, systems } from '../models/index.js';
import type { Recipe } from './recipe.js';
import {
  choice,
  fields,
  filledText,
  flag,
  imageSides,
  integer,
  interval,
  number,
  numberChoice,
  numbers,
  type Rule,
  share,
  shares,
  text,
  texts,
} from './valueRules.js';

type Sections = { [S in keyof Recipe as Recipe[S] extends string ? never : S]: Recipe[S] };

/** The rules of one section, complete by construction. */
type SectionRules<S> = { [K in keyof S]-?: Rule<S[K]> };

/** Rules of the values that stand outside all sections. */
export const topRules: SectionRules<Pick<Recipe, 'name' | 'description' | 'task'>> = {
  name: filledText,
  description: text,
  task: choice('pretrain', 'finetune'),
};

/** Rules of every section's values; the compiler sees to it that none is missing. */
export const sectionRules: { [S in keyof Sections]: SectionRules<Sections[S]> } = {
  data: {
    path: text,
    kind: choice('auto', 'image', 'audio', 'video', 'points', 'segmentation', 'bands'),
    label: text,
    ignore: numbers('a list of whole numbers from 0', { min: 0 }),
    padding: choice('mask', 'zeros'),
    imageSize: imageSides,
    channels: numberChoice(0, 1, 3),
    window: numbers('top, left, height and width as shares such as 0.5,0.25,0.5,0.5, or an empty list', {
      min: 0,
      max: 1,
    }),
    crop: choice('none', 'center', 'random', 'randomResized'),
    cropScale: interval('two shares above 0 and at most 1, the smaller first', { above: 0, max: 1 }),
    flip: flag,
    mean: numbers('a list of numbers, one per channel', {}),
    std: numbers('a list of numbers above 0, one per channel', { above: 0 }),
    permutation: integer({ min: -1 }),
    workers: integer({ min: -1 }),
    validationFraction: number(share),
    limit: integer({ min: 0 }),
  },
  audio: {
    rate: integer({ min: 0 }),
    samples: integer({ min: 0 }),
    channels: integer({ min: 1 }),
    patch: integer({ min: 1 }),
    melBins: integer({ min: 0 }),
    shift: number(share),
    gain: number({ min: 0 }),
  },
  video: {
    frames: integer({ min: 1 }),
    rate: number({ above: 0 }),
    start: choice('random', 'center', 'start'),
    sound: flag,
  },
  points: {
    count: integer({ min: 0 }),
    channels: integer({ min: 0 }),
    normalize: choice('unitSphere', 'none'),
    order: choice('morton', 'stored', 'random'),
    rotate: choice('none', 'z', 'all'),
    scale: interval('two factors above 0, the smaller first', { above: 0 }),
    jitter: number({ min: 0 }),
    dropout: number(share),
  },
  bands: {
    use: numbers('a list of band numbers from 0', { min: 0 }),
    scale: number({ min: 0 }),
  },
  model: {
    name: choice(...(Object.keys(systems) as SystemName[])),
    variant: filledText,
    from: text,
    tokenizer: text,
    config: fields,
    positions: choice('learned', 'fourier', 'none'),
    positionInitScale: number({ min: 0 }),
  },
  masking: {
    scheme: choice('group', 'uniform', 'blocks'),
    ratio: shares,
    input: choice('drop', 'zero'),
    perExample: flag,
    reconstruct: choice('masked', 'all'),
    dropModality: number(share),
    normalizeTargets: flag,
  },
  finetune: {
    from: text,
    head: choice('mean', 'latents', 'attention', 'own'),
    labelSmoothing: number(share),
    freeze: choice('none', 'encoder', 'positions'),
  },
  optimizer: {
    name: choice('adamw', 'lamb', 'sgd'),
    learningRate: number({ above: 0 }),
    minLearningRate: number({ min: 0 }),
    warmupSteps: integer({ min: 0 }),
    schedule: choice('cosine', 'constant'),
    betas: numbers('two numbers at least 0 and below 1, such as 0.9,0.95', share, 2),
    epsilon: number({ above: 0 }),
    momentum: number(share),
    weightDecay: number({ min: 0 }),
    noDecay: texts,
    clipNorm: number({ min: 0 }),
    layerDecay: number({ above: 0, max: 1 }),
    positionLearningRateScale: number({ min: 0 }),
  },
  training: {
    steps: integer({ min: 0 }),
    batchSize: integer({ min: 1 }),
    accumulation: integer({ min: 1 }),
    emaDecay: number(share),
    seed: integer({ min: 0, max: 2 ** 32 - 1 }),
    device: choice('cpu', 'webgpu', 'wasm', 'reference'),
    precision: choice('f32', 'f16'),
    rematerialize: choice('auto', 'none', 'cheap', 'layers'),
    threads: integer({ min: 0 }),
    out: text,
    checkpointEvery: integer({ min: 0 }),
    keepCheckpoints: integer({ min: 1 }),
    logEvery: integer({ min: 1 }),
    evaluateEvery: integer({ min: 0 }),
    resume: flag,
  },
};
