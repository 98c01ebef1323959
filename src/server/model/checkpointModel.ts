/** A checkpoint, run by our own engine. */
import { createEngine, type DeviceName, type Engine } from '../../engine/index.js';
import { Scope } from '../../nn/index.js';
import { canPretrain, type Pretraining, type PretrainingOptions } from '../../objectives/index.js';
import { fold, keyFrom } from '../../random/index.js';
import { classify, features, type LoadedModel, loadModel } from '../../tasks/index.js';
import {
  buildPretraining,
  defaultRecipe,
  type ModelDescription,
  modelInputs,
  readerOf,
  validityFeeds,
} from '../../training/index.js';
import { SMALL_WEIGHTS } from '../batchPlan.js';
import { HttpError } from '../httpError.js';
import { type Build, CompiledProgram, weightBytes } from './compiledProgram.js';
import type { Example, Feeds, Outputs, ReconstructionWork, ServedModel, Task, Work } from './servedModel.js';

/** Where a checkpoint runs, and how many examples at a time. */
export interface CheckpointOptions {
  device?: DeviceName;
  /** Default: the number of cores. */
  threads?: number;
  batchSize: number;
}

/** Programs of different mask ratios that are kept compiled; each holds the weights. */
const KEPT_RATIOS = 2;

/** A model on an engine of its own. */
export class CheckpointModel implements ServedModel {
  readonly path: string;
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly modalities;
  readonly reader;
  readonly classes?: readonly string[];
  private readonly masking: PretrainingOptions;
  private readonly programs = new Map<string, Promise<CompiledProgram>>();
  private readonly objectives = new Map<number | undefined, Pretraining>();

  private constructor(
    private readonly model: LoadedModel,
    private readonly engine: Engine,
    readonly batchSize: number,
  ) {
    const { path, description, recipe } = model;
    this.path = path;
    this.name = `${description.system}/${description.variant}`;
    this.modalities = description.modalities;
    this.reader = readerOf(description);
    this.classes = description.classes;
    this.tasks = tasksOf(description);
    this.masking = { ...(recipe?.masking ?? defaultRecipe.masking), perExample: true, dropModality: 0 };
  }

  /** Loads a checkpoint, starts an engine, and compiles: of a model with large weights its last task alone at first. */
  static async open(path: string, { device, threads, batchSize }: CheckpointOptions): Promise<CheckpointModel> {
    const model = await loadModel(path);
    const engine = await createEngine({ device, threads });
    const served = new CheckpointModel(model, engine, batchSize);
    try {
      if (weightBytes(model) <= SMALL_WEIGHTS) await served.program('embed');
      await served.probe();
    } catch (error) {
      await engine.dispose();
      throw error;
    }
    return served;
  }

  embed(example: Example): Work {
    return { program: 'embed', feeds: this.feedsOf(example) };
  }

  classify(example: Example): Work {
    return { program: 'classify', feeds: this.feedsOf(example) };
  }

  reconstruct(example: Example, maskRatio: number | undefined, seed: number): ReconstructionWork {
    const objective = this.maskedBy(maskRatio);
    // The masks that `hip reconstruct` draws for its first example.
    const key = fold(keyFrom(seed), 'masks');
    const { feeds, valid } = this.toldOf(example);
    const masks = Object.entries(objective.answers()).map(([name, { hidden }]) => [name, hidden(key)] as const);
    if (masks.length === 0)
      throw new HttpError(
        404,
        'unable',
        `What ${this.name} learns to predict cannot be shown as a signal: ask for /v1/embed.`,
      );
    return {
      program: this.reconstructionProgram(maskRatio),
      feeds: { ...example.signals, ...feeds, ...objective.feeds({ key, progress: 1, valid }) },
      masks: Object.fromEntries(masks),
    };
  }

  async run(program: string, examples: readonly Feeds[]): Promise<Outputs[]> {
    return (await this.program(program)).run(examples);
  }

  async probe(): Promise<void> {
    const main = { embed: 'embed', classify: 'classify', reconstruct: this.reconstructionProgram(undefined) };
    await (await this.program(main[this.tasks[this.tasks.length - 1]])).probe();
  }

  async close(): Promise<void> {
    await this.engine.dispose();
  }

  /** The program of that name, compiled now where it is not yet; the ratio that was not asked for for longest goes. */
  private program(name: string): Promise<CompiledProgram> {
    const known = this.programs.get(name);
    this.programs.delete(name);
    const program = known ?? this.compile(name);
    this.programs.set(name, program);
    program.catch(() => this.programs.delete(name));
    return program;
  }

  private async compile(name: string): Promise<CompiledProgram> {
    const unused = [...this.programs.keys()].filter(isReconstruction).slice(0, 1 - KEPT_RATIOS);
    for (const other of isReconstruction(name) ? unused : []) {
      const program = this.programs.get(other);
      this.programs.delete(other);
      await (await program)?.dispose();
    }
    return CompiledProgram.create(this.engine, this.model, this.batchSize, this.buildOf(name));
  }

  private buildOf(name: string): Build {
    const { description } = this.model;
    if (name === 'embed') return (scope, inputs) => ({ features: features(description, scope, inputs) });
    if (name === 'classify') {
      return (scope, inputs) => {
        const logits = classify(description, scope, inputs);
        // Of tags any number applies.
        return { probabilities: description.task === 'tagging' ? logits.sigmoid() : logits.softmax(-1) };
      };
    }
    const ratio = name.split(' ')[1];
    return this.buildReconstruction(ratio === AS_TRAINED ? undefined : Number(ratio));
  }

  private buildReconstruction(ratio: number | undefined): Build {
    return (scope, inputs) => {
      const answers = Object.entries(this.objectiveOf(ratio, scope, inputs).answers());
      const wanted = answers.flatMap(([name, { wanted: own }]) => (own ? [[`wanted/${name}`, own] as const] : []));
      return Object.fromEntries([
        ...answers.map(([name, { filled }]) => [`filled/${name}`, filled] as const),
        ...wanted,
      ]);
    };
  }

  /** The objective on one example, built once for each ratio: for what it feeds, and what that hides. */
  private maskedBy(ratio: number | undefined): Pretraining {
    const known =
      this.objectives.get(ratio) ?? this.objectiveOf(ratio, Scope.root(), modelInputs(this.model.description, 1));
    if (this.objectives.size >= KEPT_RATIOS) this.objectives.clear();
    this.objectives.set(ratio, known);
    return known;
  }

  private objectiveOf(ratio: number | undefined, scope: Scope, inputs: ReturnType<typeof modelInputs>): Pretraining {
    const masking = ratio === undefined ? this.masking : { ...this.masking, ratio };
    return buildPretraining(this.model.description, { ...masking, reconstruct: 'all' }, scope, inputs);
  }

  /** Signals, and what of them is real. */
  private feedsOf(example: Example): Feeds {
    return { ...example.signals, ...this.toldOf(example).feeds };
  }

  private toldOf({ lengths }: Example): ReturnType<typeof validityFeeds> {
    const told = Object.entries(lengths).map(([name, length]) => [name, Int32Array.of(length)] as const);
    return validityFeeds(this.model.description, 1, Object.fromEntries(told));
  }

  /** Dropped inputs are not computed, so each number of them needs a program of its own. */
  private reconstructionProgram(ratio: number | undefined): string {
    const isTrained = this.masking.input !== 'drop' || ratio === undefined || ratio === this.masking.ratio;
    return `reconstruct ${isTrained ? AS_TRAINED : ratio}`;
  }
}

/** What stands for the ratios of the training in a program's name. */
const AS_TRAINED = 'trained';

/** Whether a program's name is one of {@link CheckpointModel.reconstruct}. */
function isReconstruction(program: string): boolean {
  return program.startsWith('reconstruct ');
}

/** A classifier's checkpoint has no decoder; a class for each pixel is no class. */
function tasksOf({ system, classes, task }: ModelDescription): Task[] {
  if (classes) return task === 'segmentation' ? ['embed'] : ['embed', 'classify'];
  return canPretrain(system) ? ['embed', 'reconstruct'] : ['embed'];
}
