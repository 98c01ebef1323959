/** Training a classifier from a recipe: from a checkpoint's encoder, or from scratch. */
import { type Dataset, kindOf, plainReader, type Reader, readerWithStatistics, requireClasses } from '../data/index.js';
import { ensure } from '../errors/index.js';
import type { Modality } from '../models/index.js';
import { describeModel, type ModelDescription } from '../training/description.js';
import type { BuildObjective } from '../training/objective.js';
import type { Recipe } from '../training/recipe.js';
import { prepareRun, type RunOptions, withEngine } from '../training/run.js';
import { openSplit, partialOf, prepareSignals, readerOf } from '../training/signals.js';
import { type TrainingResult, train } from '../training/train.js';
import { classificationObjective } from './classification.js';
import { type ClassificationScore, evaluateClassifier } from './evaluateClassifier.js';
import { type LoadedModel, loadModel } from './loadModel.js';

/** How a fine-tuning went. What was interrupted is not scored. */
export type FinetuneResult = Omit<TrainingResult, 'interrupted'> & { description: ModelDescription } & (
    | { interrupted: false; score: ClassificationScore }
    | { interrupted: true; score?: undefined }
  );

/** Trains a classifier. With `finetune.from` its encoder begins with that checkpoint's parameters, else with fresh ones. */
export async function finetune(recipe: Recipe, options: RunOptions = {}): Promise<FinetuneResult> {
  const { from } = recipe.finetune;
  const source = from ? await loadModel(from) : undefined;
  const { description, ...data } = await prepareClassification(recipe, source);
  const build: BuildObjective = (...how) => classificationObjective(description, recipe.finetune, ...how);
  const run = prepareRun(recipe, data, description, build, { label: 'fine-tune', ...options });
  return withEngine(recipe, options.engine, async (engine) => {
    const scoreOf = async (parameters: Map<string, Float32Array>) =>
      evaluateClassifier({ path: run.folder, description, parameters }, await openSplit(recipe, 'test'), engine);
    const result = await train({
      ...run,
      initial: () => (source ? adopted(run.initial(), source) : run.initial()),
      engine,
      evaluate: async (parameters) => ({ testAccuracy: (await scoreOf(parameters)).top1 }),
    });
    if (result.interrupted) return { ...result, interrupted: true, description };
    return { ...result, interrupted: false, description, score: await scoreOf(result.parameters) };
  });
}

async function prepareClassification(
  recipe: Recipe,
  source: LoadedModel | undefined,
): Promise<{ dataset: Dataset; reader: Reader; description: ModelDescription }> {
  const { dataset, modalities, reader } = await prepareSignals(recipe);
  requireClasses(dataset);
  if (!source)
    return {
      dataset,
      reader,
      description: {
        ...describeModel(recipe, modalities, plainReader(reader), partialOf(recipe, reader)),
        classes: dataset.classes,
      },
    };
  const shown = (all: Modality[]) =>
    all.map(({ name, indexShape, channels }) => `${name} ${indexShape.join('x')}x${channels}`).join(', ');
  const [expected, given] = [shown(source.description.modalities), shown(modalities)];
  ensure(
    expected === given,
    () => `${source.path} takes ${expected}, the recipe gives ${given}: set sizes and channels alike.`,
  );
  // Fed as it was pre-trained: with the same statistics.
  const trained = readerOf(source.description);
  const statistics = kindOf(trained).statistics(trained);
  return {
    dataset,
    reader: readerWithStatistics(reader, statistics),
    description: { ...source.description, classes: dataset.classes },
  };
}

/** Takes over every parameter of the checkpoint that the model has in the same size. Throws where there is none. */
function adopted(parameters: Map<string, Float32Array>, source: LoadedModel): Map<string, Float32Array> {
  let taken = 0;
  for (const [name, values] of source.parameters) {
    if (parameters.get(name)?.length !== values.length) continue;
    parameters.set(name, values);
    taken++;
  }
  ensure(
    taken > 0,
    () =>
      `${source.path} has no parameter in common with the model to be fine-tuned: ask for the model and variant that it was trained with.`,
  );
  return parameters;
}
