/** Classification: a linear on the mean of the encoder's latents, trained from a checkpoint or from scratch. */
import { createLoader, type ImageDataset, requireClasses, type SkippedFile } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure, HiperceiverError } from '../errors/index.js';
import { input, type Tensor, type Values } from '../graph/index.js';
import { DRAW, drawAll, initialize, linear, Scope } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import { fold, keyFrom } from '../random/index.js';
import { applyModel, describeModel, inputShapes, type ModelDescription } from '../training/description.js';
import { openSplit, prepareImages, trainingLoader, transformFor } from '../training/images.js';
import type { Objective } from '../training/objective.js';
import { ensureFits, planTraining } from '../training/plan.js';
import { type RunOptions, runFolder, withEngine } from '../training/pretrain.js';
import type { Recipe } from '../training/recipe.js';
import { type TrainingResult, train } from '../training/train.js';
import { type LoadedModel, loadModel, Runner } from './loadModel.js';
import { confusionMatrix, topKAccuracy } from './metrics/index.js';

/** Mean of the encoder's last latents, `[B, D]`: the features of an example. Nothing is masked. */
export function features(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): Tensor {
  const { blocks } = applyModel(description, scope, inputs, { encoderOnly: true });
  return blocks[blocks.length - 1].mean([1, 2]);
}

/** Logits `[B, classes]` of the described model. */
export function classify(description: ModelDescription, scope: Scope, inputs: Record<string, Tensor>): Tensor {
  const { classes } = description;
  if (!classes) throw new HiperceiverError('The model has no classifier: fine-tune it first (hip finetune).');
  return linear(scope.child('classifier/linear'), features(description, scope, inputs), classes.length);
}

export function classificationObjective(
  description: ModelDescription,
  { labelSmoothing }: Recipe['finetune'],
  batchSize: number,
): Objective {
  const scope = Scope.root({ training: true });
  const shapes = inputShapes(description, batchSize);
  const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]));
  const labels = input('labels', [batchSize], 'i32');
  const logits = classify(description, scope, inputs);
  const { indices } = logits.topK(1);
  return {
    loss: crossEntropy(logits, labels, { labelSmoothing }),
    metrics: { accuracy: indices.reshape([batchSize]).equal(labels).cast('f32').mean() },
    needs: scope.needs,
    feeds: (batch, key) => {
      const feeds: Record<string, Values> = { labels: batch.labels! };
      for (const name of Object.keys(shapes)) feeds[name] = batch.signals[name];
      for (const [name, values] of drawAll(scope.needs.draws, key)) feeds[DRAW + name] = values;
      return feeds;
    },
  };
}

export interface ClassificationScore {
  /** Shares of the examples, 0 … 1. */
  top1: number;
  top5: number;
  /** `[classes, classes]`: rows are true classes. */
  confusion: Float64Array;
  classes: string[];
  size: number;
  skipped: readonly SkippedFile[];
}

/** How a fine-tuning went. What was interrupted is not scored. */
export type FinetuneResult = Omit<TrainingResult, 'interrupted'> & { description: ModelDescription } & (
    | { interrupted: false; score: ClassificationScore }
    | { interrupted: true; score?: undefined }
  );

/** Trains a classifier. With `finetune.from` its encoder begins with that checkpoint's parameters, else with fresh ones. */
export async function finetune(recipe: Recipe, options: RunOptions = {}): Promise<FinetuneResult> {
  const { from } = recipe.finetune;
  const source = from ? await loadModel(from) : undefined;
  const { dataset, description } = await prepareClassification(recipe, source);
  const build = (batchSize: number) => classificationObjective(description, recipe.finetune, batchSize);
  const folder = runFolder(recipe);
  const plan = planTraining(recipe, { description, folder, images: dataset.size }, build);
  options.onPlan?.(plan);
  ensureFits(plan, build);
  const objective = build(recipe.training.batchSize);
  const initial = initialize(objective.needs.parameters, fold(keyFrom(recipe.training.seed), 'parameters'));
  if (source) adopt(initial, source);
  return withEngine(recipe, options.engine, async (engine) => {
    const result = await train({
      label: 'fine-tune',
      ...options,
      recipe,
      folder,
      description,
      objective,
      engine,
      initial,
      openLoader: (startBatch, key) => trainingLoader(dataset, recipe, description, startBatch, key),
    });
    if (result.interrupted) return { ...result, interrupted: true, description };
    const trained = { path: result.checkpoint, description, parameters: result.parameters };
    const score = await evaluateClassifier(trained, await openSplit(recipe, 'test'), engine);
    return { ...result, interrupted: false, description, score };
  });
}

async function prepareClassification(
  recipe: Recipe,
  source: LoadedModel | undefined,
): Promise<{ dataset: ImageDataset; description: ModelDescription }> {
  const { dataset, modality, normalization } = await prepareImages(recipe);
  requireClasses(dataset);
  if (!source)
    return { dataset, description: { ...describeModel(recipe, [modality], normalization), classes: dataset.classes } };
  const [expected] = source.description.modalities;
  const fits = expected.channels === modality.channels && expected.indexShape.join() === modality.indexShape.join();
  ensure(
    fits,
    () =>
      `${source.path} takes images ${expected.indexShape.join('x')}x${expected.channels}, the recipe gives ${modality.indexShape.join('x')}x${modality.channels}: set --image-size and --data.channels alike.`,
  );
  return { dataset, description: { ...source.description, classes: dataset.classes } };
}

/** Takes over every parameter of the checkpoint that the model has in the same size. Throws where there is none. */
function adopt(parameters: Map<string, Float32Array>, source: LoadedModel): void {
  let taken = 0;
  for (const [name, values] of source.parameters) {
    if (parameters.get(name)?.length !== values.length) continue;
    parameters.set(name, values);
    taken++;
  }
  ensure(taken > 0, () => `${source.path} has no parameter in common with the model to be fine-tuned.`);
}

/** Accuracy and confusion of a classifier over a whole data set. */
export async function evaluateClassifier(
  model: Pick<LoadedModel, 'description' | 'parameters' | 'path'>,
  dataset: ImageDataset,
  engine: Engine,
  batchSize = 50,
): Promise<ClassificationScore> {
  const { description } = model;
  const { classes } = description;
  ensure(classes, () => `${model.path} has no classifier: fine-tune it first (hip finetune --from ${model.path}).`);
  ensure(
    dataset.labels && dataset.classes.join() === classes.join(),
    () => `${dataset.path} has the classes ${dataset.classes.join(', ') || '(none)'}, the model ${classes.join(', ')}.`,
  );
  const { logits, labels, skipped } = await overDataset(model, dataset, engine, batchSize, (scope, inputs) =>
    classify(description, scope, inputs),
  );
  const predictions = new Int32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes.length, (i + 1) * classes.length);
    predictions[i] = row.indexOf(Math.max(...row));
  }
  return {
    top1: topKAccuracy(logits, labels, 1),
    top5: topKAccuracy(logits, labels, Math.min(5, classes.length)),
    confusion: confusionMatrix(predictions, labels, classes.length),
    classes,
    size: labels.length,
    skipped,
  };
}

/** One output of the model for every example of a data set, in stored order. */
export async function overDataset(
  model: Pick<LoadedModel, 'description' | 'parameters' | 'path'>,
  dataset: ImageDataset,
  engine: Engine,
  batchSize: number,
  build: (scope: Scope, inputs: Record<string, Tensor>) => Tensor,
): Promise<{ logits: Float32Array; labels: Int32Array; ids: Int32Array; skipped: readonly SkippedFile[] }> {
  const runner = await Runner.create(engine, model, batchSize, (scope, inputs) => ({ result: build(scope, inputs) }));
  const loader = createLoader(dataset, {
    ...transformFor(model.description),
    batchSize,
    shuffle: false,
    key: keyFrom(0),
  });
  const parts: Float32Array[] = [];
  const labels: number[] = [];
  const ids: number[] = [];
  try {
    for (let batch = await loader.next(); batch; batch = await loader.next()) {
      parts.push((await runner.run(batch.signals, batch.size)).result);
      if (batch.labels) labels.push(...batch.labels);
      ids.push(...batch.ids);
    }
  } finally {
    await loader.close();
    await runner.dispose();
  }
  const logits = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    logits.set(part, at);
    at += part.length;
  }
  return { logits, labels: Int32Array.from(labels), ids: Int32Array.from(ids), skipped: loader.skipped };
}
