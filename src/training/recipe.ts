/**
 * A recipe is one experiment: everything that decides its outcome, apart from the data itself. Every value has its
 * default and its meaning here, once; a recipe file states what differs, and the command line overrides both.
 */

import type { KindName } from '../data/index.js';
import type { SystemName } from '../models/index.js';
import type { Head } from './description.js';

/** Every knob with its default. */
export const defaultRecipe = {
  /** Name of the experiment; a run is stored under it. */
  name: 'untitled',
  /** What the experiment is about: paper, command, expected time and score. */
  description: '',
  /** What is learned: masked auto-encoding, or the classes that the data have. */
  task: 'pretrain' as 'pretrain' | 'finetune',

  /** Where examples come from and what happens to them before the model sees them. */
  data: {
    /** Folder or file; its format is recognised. Relative to the working directory. */
    path: '',
    /** What the examples are; `auto` goes by the files. */
    kind: 'auto' as 'auto' | KindName,
    /** Column of the data set's table that holds the classes; empty: chosen by its name. */
    label: '',
    /** Stored numbers of label maps that count as void; empty: 255, and 0 beside rasters. */
    ignore: [] as number[],
    /** What is shorter than the rest, or missing, is hidden from the model (`mask`), or counts as zeros. */
    padding: 'mask' as 'mask' | 'zeros',
    /** Side of the images in pixels, or [height, width]; 0 keeps the stored size, which must then be the same for all. */
    imageSize: 32 as number | [height: number, width: number],
    /** Channels: 1 grey, 3 colour, 0 as stored. */
    channels: 3 as 0 | 1 | 3,
    /** The part of every picture or frame that is used at all: top, left, height, width as shares; empty: all of it. */
    window: [] as number[],
    /** How an image becomes `imageSize`: stretched, cut out in the middle or anywhere, or a random part resized. */
    crop: 'center' as 'none' | 'center' | 'random' | 'randomResized',
    /** For `randomResized`: smallest and largest share of the image's area. */
    cropScale: [0.2, 1] as [smallest: number, largest: number],
    /** Whether training images are mirrored left to right half of the time. */
    flip: true,
    /** Per-channel mean (of values in 0 to 1) that is subtracted; empty: measured on the training data. */
    mean: [] as number[],
    /** Per-channel standard deviation that is divided by; empty: measured. */
    std: [] as number[],
    /** Shuffles the elements of every example by one permutation that this number draws; -1 keeps their order. */
    permutation: -1,
    /** Worker threads that decode and augment; -1 chooses by the machine, 0 does it in the main thread. */
    workers: -1,
    /** Share of the examples held out when the data set comes without a validation split. */
    validationFraction: 0.1,
    /** Use only so many training examples; 0 uses all. */
    limit: 0,
  },

  /** Sound, and the sound of videos. */
  audio: {
    /** Samples per second; 0 keeps the rate of the first recording. */
    rate: 0,
    /** Samples that a model sees; 0: the length that 19 of 20 recordings do not exceed. Shorter ones end in padding. */
    samples: 0,
    /** Channels: 1 mono, 2 stereo. */
    channels: 1,
    /** Neighbouring samples that make one input, side by side as its channels; 1 takes raw samples. */
    patch: 1,
    /** Mel bands of frames of 25 ms, every 10 ms, that are taken instead of samples; 0 takes samples. */
    melBins: 0,
    /** Training recordings move by up to this share of their length. */
    shift: 0,
    /** Training recordings become louder or softer by up to so many decibels. */
    gain: 0,
  },

  /** Video. Frames are read at `data.imageSize`. */
  video: {
    /** Frames of a clip. */
    frames: 8,
    /** Frames per second of a clip, whatever the file has. */
    rate: 8,
    /** Which part of a longer training video is taken. */
    start: 'random' as 'random' | 'center' | 'start',
    /** Whether the sound of the same time is a second modality. Files without sound then lack it. */
    sound: false,
  },

  /** Point clouds and meshes. */
  points: {
    /** Points of an example; 0 keeps the number of the first file. */
    count: 0,
    /** Channels of a point, x, y and z first; 0 keeps those of the first file. */
    channels: 0,
    /** Whether each example is moved and scaled to the unit sphere. */
    normalize: 'unitSphere' as 'unitSphere' | 'none',
    /** Order of the points: neighbours in space next to each other, as stored, or random. */
    order: 'morton' as 'morton' | 'stored' | 'random',
    /** Random turns of training examples: about the upright axis, all, or none. */
    rotate: 'none' as 'none' | 'z' | 'all',
    /** Smallest and largest random factor of training examples. */
    scale: [1, 1] as [smallest: number, largest: number],
    /** Deviation of random noise on training points. */
    jitter: 0,
    /** Largest share of training points left out. */
    dropout: 0,
  },

  /** Multi-band rasters, cut into tiles of `data.imageSize`. */
  bands: {
    /** Numbers (from 0) of the bands that are used; empty: all. */
    use: [] as number[],
    /** Stored number that stands for 1; 0: 255 in bytes, 10,000 in 16 bits. */
    scale: 0,
    /**
     * When each date of a raster of several was taken, in the file's order: `2015-08-20`, or `2015-08-20T10:15`. They become
     * frames, as SatMAE reads them. Empty: further bands.
     */
    dates: [] as string[],
  },

  /** Further augmentation of training examples, each as published and all off; `data`, `audio` and `points` have the rest. */
  augment: {
    /** RandAugment's magnitude on images and videos, 0 to 10: 9 in most recipes, 0 does without. */
    randAugment: 0,
    /** Operations that RandAugment draws for an image; each is applied half of the time. */
    randAugmentLayers: 2,
    /**
     * Brightness, contrast and saturation change by a factor between 1 - x and 1 + x (0.4 with ResNets); or one number for
     * each, and how far the hue turns, at most 0.5 (SimCLR: 0.8, 0.8, 0.8, 0.2).
     */
    colorJitter: 0 as number | [brightness: number, contrast: number, saturation: number, hue: number],
    /** Share of the images that become grey (SimCLR: 0.2). */
    grayscale: 0,
    /** Share of the images of which a random rectangle is erased (0.25 with vision transformers). */
    erase: 0,
    /** What fills the rectangle: noise, or the mean. */
    eraseFill: 'noise' as 'noise' | 'mean',
    /**
     * Mixup of examples and their classes: alpha of the Beta distribution of their shares (MAE's fine-tuning: 0.8). Of mixup
     * and cutmix one is chosen for each batch.
     */
    mixup: 0,
    /** CutMix, the same by boxes that are cut out of one image and put into another (MAE's fine-tuning: 1). */
    cutmix: 0,
    /** SpecAugment of log-mel frames: most neighbouring frames that a stripe hides (100 in the paper, of 10 ms each). */
    timeMask: 0,
    /** Most neighbouring mel bands that a stripe hides (27 of 80 in the paper). */
    frequencyMask: 0,
    /** Stripes of either sort. */
    specMasks: 2,
  },

  /** The network. */
  model: {
    /** System, as listed by the command `models`. */
    name: 'hip' as SystemName,
    /** Row of the system's variant table. */
    variant: 'Mini',
    /** Pre-training: a checkpoint of the same system to go on from, resized to these inputs; empty: fresh values. */
    from: '',
    /** Pre-training of beit: checkpoint of the discrete auto-encoder (system dvae) whose tokens it predicts. */
    tokenizer: '',
    /** Fields of the variant to change, in camelCase: `{ numZChannels: [64, 128] }`. */
    config: {} as Record<string, unknown>,
    /** What tells the model where an input lies: learned embeddings, Fourier features, or nothing. */
    positions: 'learned' as 'learned' | 'fourier' | 'none',
    /** Initial size of the learned positions, as a multiple of 1/sqrt(rows). Small lets them order themselves. */
    positionInitScale: 0.3,
  },

  /** Masked auto-encoding: what is hidden and what is asked for. */
  masking: {
    /**
     * `group`: one mask over the positions inside a group, shared by all groups; `uniform`: anywhere; `blocks`: rectangles of
     * patches (beit).
     */
    scheme: 'group' as 'group' | 'uniform' | 'blocks',
    /** Share of the inputs that is masked, in [0, 1); by modality `{ image: 0.85, audio: 1 }`, where 1 hides all of it. */
    ratio: 0.85 as number | Record<string, number>,
    /** Masked inputs are dropped before the encoder (less compute and memory), or set to zero. */
    input: 'drop' as 'drop' | 'zero',
    /** Whether each example of a batch has its own mask. */
    perExample: true,
    /** Inputs that the decoder reconstructs and the loss counts. */
    reconstruct: 'masked' as 'masked' | 'all',
    /** Probability with which a training example of several modalities loses one of them, which is still reconstructed. */
    dropModality: 0,
    /** Whether targets are normalised to mean 0 and variance 1 within their group. */
    normalizeTargets: false,
  },

  /** Classes on top of what was pre-trained: one or several for each example, or one for every pixel, as the data have them. */
  finetune: {
    /** Checkpoint to start from; empty: from scratch. */
    from: '',
    /**
     * How the classes of an example are read from the processor's latents: a linear on their `mean`, on all `latents` side
     * by side, or on what one learned query reads of them by `attention`. `latents` did best on pictures and points
     * in short trainings, and is the heaviest: it has a weight for every channel of every latent and class. `own` is the head
     * of the published models of a system: what a checkpoint from elsewhere brings along.
     */
    head: 'latents' as Head,
    /** Probability spread over the other classes, in [0, 1). */
    labelSmoothing: 0,
    /** What keeps its pre-trained values: nothing, all but the classifier (a linear probe), or the position embeddings. */
    freeze: 'none' as 'none' | 'encoder' | 'positions',
  },

  /** How gradients become updates. */
  optimizer: {
    /** Update rule. */
    name: 'adamw' as 'adamw' | 'lamb' | 'sgd',
    /** Peak learning rate, reached after the warm-up. */
    learningRate: 1e-3,
    /** Learning rate at the end of the cosine. */
    minLearningRate: 0,
    /** Steps of linear warm-up from 0. */
    warmupSteps: 100,
    /** Course of the learning rate after the warm-up. */
    schedule: 'cosine' as 'cosine' | 'constant',
    /** Decay rates of the first and second moment (adamw, lamb). */
    betas: [0.9, 0.95] as [first: number, second: number],
    /** Added to the root of the second moment (adamw, lamb). */
    epsilon: 1e-8,
    /** Momentum of sgd. */
    momentum: 0.9,
    /** Decoupled weight decay. */
    weightDecay: 0.05,
    /** Parameters without weight decay: those whose name contains one of these words, and all vectors. */
    noDecay: ['pos_embs'],
    /** Gradients are scaled down to this global norm; 0 never. */
    clipNorm: 1,
    /** Factor on the learning rate per layer from the top down, in (0, 1]; 1 treats all layers alike. */
    layerDecay: 1,
    /** Factor on the learning rate of the position embeddings. */
    positionLearningRateScale: 1,
  },

  /** The run: how long, how large, where. */
  training: {
    /** Optimiser updates. */
    steps: 1000,
    /** Examples per gradient. */
    batchSize: 16,
    /** Gradients averaged before an update. */
    accumulation: 1,
    /** Decay of the exponential moving average of the parameters, in [0, 1); 0 keeps none. */
    emaDecay: 0,
    /** Seed of masks, order, augmentation, dropout and initial values. */
    seed: 0,
    /** Engine: `cpu` and `webgpu` run natively, `wasm` anywhere; `reference` is slow and plain. */
    device: 'cpu' as 'cpu' | 'webgpu' | 'wasm' | 'reference',
    /**
     * Precision of products and activations: `f16`, on `webgpu` alone, takes little more than half of the memory. Norms,
     * softmax, sums, and the weights that are trained are f32 in any case.
     */
    precision: 'f32' as 'f32' | 'f16',
    /**
     * What is computed again in the backward pass instead of being kept: nothing, what is `cheap` (attention weights and
     * activations: a few per cent more work), or whole `layers` (a third more work, a fraction of the memory). `auto`
     * keeps what the machine's memory has room for.
     */
    rematerialize: 'auto' as 'auto' | 'none' | 'cheap' | 'layers',
    /**
     * Parts of the backward pass. After each the parameters are updated whose gradients it gave, so that few gradients exist at
     * a time; that leaves no global norm to clip (`clipNorm: 0`). 1 updates all at the end.
     */
    segments: 1,
    /** Threads of the engine; 0 chooses by the machine. */
    threads: 0,
    /** Folder of the run; empty: `runs/` and the recipe's name. */
    out: '',
    /** Steps between checkpoints; 0 saves only at the end. */
    checkpointEvery: 500,
    /** Newest checkpoints that are kept. */
    keepCheckpoints: 2,
    /** Steps between lines of the metrics log. */
    logEvery: 10,
    /** Fine-tuning: steps between scores on the test split, logged as `testAccuracy`, `testMeanAveragePrecision` or `testMeanIoU`; 0 measures only at the end. */
    evaluateEvery: 0,
    /** Whether to go on from the last checkpoint in `out`. */
    resume: false,
  },
};

/** Every value of an experiment. */
export type Recipe = typeof defaultRecipe;

/** A recipe of which any part may be left to its default; arrays are given whole. */
export type PartialRecipe = {
  [K in keyof Recipe]?: Recipe[K] extends string ? Recipe[K] : { [V in keyof Recipe[K]]?: Recipe[K][V] };
};

/** What a recipe file exports: what differs from {@link defaultRecipe}, under a name. */
export type RecipeFile = PartialRecipe & { name: string };

/**
 * States an experiment, with every value checked and completed by the editor.
 *
 * @example
 * export default defineRecipe({ name: 'flowers', data: { path: 'photos' }, training: { steps: 2000 } });
 */
export function defineRecipe(recipe: RecipeFile): RecipeFile {
  return recipe;
}
