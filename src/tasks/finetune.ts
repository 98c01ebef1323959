/** Training for a task from a recipe: from a checkpoint's parameters, or from scratch. */
import { type Dataset, kindOf, plainReader, type Reader, readerWithStatistics } from '../data/index.js';
import { ensure } from '../errors/index.js';
import { adaptParameters, type Modality } from '../models/index.js';
import { begunWith } from '../training/beginnings.js';
import { describeModel, type ModelDescription, systemOf } from '../training/description.js';
import type { BuildObjective } from '../training/objective.js';
import type { Recipe } from '../training/recipe.js';
import { prepareRun, type RunOptions, withEngine } from '../training/run.js';
import { openSplit, partialOf, prepareSignals, readerOf } from '../training/signals.js';
import { type TrainingResult, train } from '../training/train.js';
import { type LoadedModel, loadModel } from './loadModel.js';
import { type Score, taskOf, taskRules } from './tasks.js';

/** How a fine-tuning went. What was interrupted is not scored. */
export type FinetuneResult = Omit<TrainingResult, 'interrupted'> & { description: ModelDescription } & (
    | { interrupted: false; score: Score }
    | { interrupted: true; score?: undefined }
  );

/**
 * Trains a model for the task that the data tell: classes of examples, several of them, or of every pixel. With
 * `finetune.from` it begins with that checkpoint's parameters (for segmentation its decoder's too), else with fresh ones.
 */
export async function finetune(recipe: Recipe, options: RunOptions = {}): Promise<FinetuneResult> {
  const { from } = recipe.finetune;
  const source = from ? finetunable(await loadModel(from)) : undefined;
  const { description, parameters, ...data } = await prepareTask(recipe, source);
  const { objective, evaluate, headline } = taskRules(taskOf(data.dataset));
  const { labelSmoothing } = recipe.finetune;
  const { mixup, cutmix } = recipe.augment;
  const build: BuildObjective = (...how) => objective(description, { labelSmoothing, mixup, cutmix }, ...how);
  const run = prepareRun(recipe, data, description, build, { label: 'fine-tune', ...options });
  return withEngine(recipe, options.engine, async (engine) => {
    const scoreOf = async (parameters: Map<string, Float32Array>) =>
      evaluate({ path: run.folder, description, parameters }, await openSplit(recipe, 'test'), engine);
    const result = await train({
      ...run,
      initial: () => (source && parameters ? begunWith(run.initial(), parameters, source.path) : run.initial()),
      engine,
      evaluate: async (parameters) => ({ [headline.name]: headline.of(await scoreOf(parameters)) }),
    });
    if (result.interrupted) return { ...result, interrupted: true, description };
    return { ...result, interrupted: false, description, score: await scoreOf(result.parameters) };
  });
}

async function prepareTask(
  recipe: Recipe,
  source: LoadedModel | undefined,
): Promise<{
  dataset: Dataset;
  reader: Reader;
  description: ModelDescription;
  /** The checkpoint's parameters, carried over to the recipe's inputs. */
  parameters?: ReadonlyMap<string, Float32Array>;
  remarks?: string[];
}> {
  const { dataset, modalities, reader } = await prepareSignals(recipe);
  const task = taskOf(dataset);
  const about = { classes: dataset.classes, task, ...(task === 'segmentation' ? {} : { head: recipe.finetune.head }) };
  if (!source) {
    const description = describeModel(recipe, modalities, plainReader(reader), partialOf(recipe, reader));
    return { dataset, reader, description: { ...description, ...about } };
  }
  checkRate(source, reader);
  const { description } = source;
  const { parameters, remarks } = adaptParameters(
    source.parameters,
    description.modalities,
    modalities,
    systemOf(description),
    description.config,
  );
  // Fed as it was pre-trained: with the same statistics, where the channels are the same.
  const trained = readerOf(description);
  const before = kindOf(trained).statistics(trained);
  const statistics = Object.entries(kindOf(reader).statistics(reader)).map(([name, own]) => {
    const channels = (all: Modality[]) => all.find((m) => m.name === name)?.channels;
    return [name, channels(description.modalities) === channels(modalities) ? before[name] : own] as const;
  });
  const alike = readerWithStatistics(reader, Object.fromEntries(statistics));
  const partial = partialOf(recipe, reader);
  return {
    dataset,
    reader: alike,
    parameters,
    remarks,
    description: { ...description, modalities, partial, reader: plainReader(alike), ...about },
  };
}

/** The model as its system has it fine-tuned. */
function finetunable(model: LoadedModel): LoadedModel {
  const { description } = model;
  const made = systemOf(description).finetuned?.(description.config, model.parameters);
  if (!made) return model;
  return { ...model, description: { ...description, config: made.config }, parameters: made.parameters };
}

/** Throws where a checkpoint's model hears at another rate than a recipe gives. */
function checkRate({ path, description }: LoadedModel, reader: Reader): void {
  const [before, now] = [rateOf(readerOf(description)), rateOf(reader)];
  ensure(
    before === undefined || now === undefined || before === now,
    () => `${path} hears ${before} samples a second, the recipe gives ${now}: set --audio.rate ${before}.`,
  );
}

/** Samples per second of what is heard. */
function rateOf(reader: Reader): number | undefined {
  if (reader.kind === 'audio') return reader.rate;
  return reader.kind === 'video' ? reader.sound?.rate : undefined;
}
