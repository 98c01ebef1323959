/** What a pre-trained encoder's features are worth: classifiers on top of them, beside the same on raw values and chance. */
import { type Dataset, type KindName, kindOf, requireClasses, type SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { inputSize } from '../training/description.js';
import { type FeatureView, latentWidths } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { embedDataset, type FeatureSet, knnAccuracy, linearProbe, type ProbeOptions, rawFeatures } from './probe.js';
import type { Watch } from './watch.js';

/** Blocks with more values than this are not probed: so wide a linear layer learns the training set by heart. */
const WIDEST_PROBED = 16_384;
/** Examples with more values than this have no baseline on raw values: it would take longer than all else. */
const WIDEST_RAW = 65_536;

/** What features are worth. */
export interface EncoderScore {
  /** What the examples are. */
  kind: KindName;
  /**
   * Top-1 accuracies, 0 … 1, of linear classifiers: on the features, on all latents of each encoder block side by side,
   * and on the normalised values themselves (pixels, samples, coordinates) where there are not too many.
   */
  linear?: { features: number; blocks: { block: number; dim: number; accuracy: number }[]; raw?: number };
  /** Of a vote of the `k` nearest training examples by cosine of their features. */
  knn?: { features: number; k: number };
  /** 1 / classes. */
  chance: number;
  classes: string[];
  /** Examples that could be read. */
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
  ensure(
    !train.tags && !train.dense,
    () =>
      `The probes classify whole ${kindOf(train).noun}s, and ${train.path} has ${train.dense ? 'a class for every pixel' : 'several classes for each'}: fine-tune the model on it (hip finetune --from ${model.path}).`,
  );
  requireClasses(train);
  ensure(
    train.classes.join() === test.classes.join(),
    () =>
      `The splits of ${train.path} have different classes, ${train.classes.join(', ')} and ${test.classes.join(', ')}: give both the same classes.`,
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
    kind: train.kind,
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
    score.linear = { features, blocks };
    if (inputSize(model.description) <= WIDEST_RAW)
      score.linear.raw = await probeOn([await rawFeatures(model, train), await rawFeatures(model, test)]);
  }
  return score;
}
