/** What a pre-trained encoder's features are worth: classifiers on top of them, beside the same on raw pixels and chance. */
import { type Dataset, requireClasses, type SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { type FeatureView, latentWidths } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { embedDataset, type FeatureSet, knnAccuracy, linearProbe, type ProbeOptions, pixelFeatures } from './probe.js';
import type { Watch } from './watch.js';

/** Blocks with more values than this are not probed: so wide a linear layer learns the training set by heart. */
const WIDEST_PROBED = 16_384;

/** What features are worth. */
export interface EncoderScore {
  /**
   * Top-1 accuracies, 0 … 1, of linear classifiers: on the features, on all latents of each encoder block side by side,
   * and on the normalised pixels.
   */
  linear?: { features: number; blocks: { block: number; dim: number; accuracy: number }[]; pixels: number };
  /** Of a vote of the `k` nearest training images by cosine of their features. */
  knn?: { features: number; k: number };
  /** 1 / classes. */
  chance: number;
  classes: string[];
  /** Images that could be read. */
  train: number;
  test: number;
  featureDim: number;
  skipped: SkippedFile[];
}

/** Which methods, and how. */
export interface EvaluateEncoderOptions {
  linear?: boolean;
  knn?: boolean;
  /** Neighbours that vote; default 20. */
  k?: number;
  batchSize?: number;
  probe?: ProbeOptions;
  watch?: Watch;
}

/** Embeds both sets with a frozen encoder and classifies `test` by what `train` shows. Both methods unless one is chosen. */
export async function evaluateEncoder(
  model: TrainedModel,
  train: Dataset,
  test: Dataset,
  engine: Engine,
  { linear, knn, k = 20, batchSize, watch, probe }: EvaluateEncoderOptions = {},
): Promise<EncoderScore> {
  requireClasses(train);
  ensure(
    train.classes.join() === test.classes.join(),
    () =>
      `The splits of ${train.path} have different classes, ${train.classes.join(', ')} and ${test.classes.join(', ')}: give both the same class folders.`,
  );
  const both = !linear && !knn;
  const classes = train.classes.length;
  const embedBoth = async (view: FeatureView) =>
    [
      await embedDataset(model, train, engine, batchSize, view, watch),
      await embedDataset(model, test, engine, batchSize, view, watch),
    ] as const;
  const probeOn = ([a, b]: readonly [FeatureSet, FeatureSet]) =>
    linearProbe(a, b, classes, engine, { watch, ...probe });
  const [trained, tested] = await embedBoth('mean');
  const score: EncoderScore = {
    chance: 1 / classes,
    classes: train.classes,
    train: trained.labels.length,
    test: tested.labels.length,
    featureDim: trained.dim,
    skipped: [...trained.skipped, ...tested.skipped],
  };
  if (knn || both) score.knn = { features: knnAccuracy(trained, tested, classes, k), k };
  if (linear || both) {
    const features = await probeOn([trained, tested]);
    const blocks = [];
    for (const [block, dim] of latentWidths(model.description).entries()) {
      if (dim > WIDEST_PROBED) continue;
      blocks.push({ block, dim, accuracy: await probeOn(await embedBoth({ block })) });
    }
    const pixels = [await pixelFeatures(model, train), await pixelFeatures(model, test)] as const;
    score.linear = { features, blocks, pixels: await probeOn(pixels) };
  }
  return score;
}
