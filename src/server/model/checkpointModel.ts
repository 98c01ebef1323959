/** A checkpoint, run by our own engine. */
import { createEngine, type DeviceName, type Engine } from '../../engine/index.js';
import {
  type AutoencodingOptions,
  drawMask,
  elementMask,
  type MaskPlan,
  maskedAutoencoding,
  maskFeeds,
  planMasks,
} from '../../objectives/index.js';
import { fold, keyFrom } from '../../random/index.js';
import { classify, features, type LoadedModel, loadModel } from '../../tasks/index.js';
import { defaultRecipe, readerOf, systemOf } from '../../training/index.js';
import { type Build, CompiledProgram } from './compiledProgram.js';
import { restoreTargets } from './restoreTargets.js';
import {
  ENCODE,
  type Feeds,
  type Outputs,
  type ReconstructionWork,
  type ServedModel,
  type Signals,
  type Task,
  type Work,
} from './servedModel.js';

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
  private readonly masking: AutoencodingOptions;
  private readonly programs = new Map<string, Promise<CompiledProgram>>();

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
    // A classifier's checkpoint has no decoder.
    this.tasks = ['embed', description.classes ? 'classify' : 'reconstruct'];
    this.masking = { ...(recipe?.masking ?? defaultRecipe.masking), perExample: true, dropModality: 0 };
  }

  /** Loads a checkpoint, starts an engine, and compiles what will be asked for first. */
  static async open(path: string, { device, threads, batchSize }: CheckpointOptions): Promise<CheckpointModel> {
    const model = await loadModel(path);
    const engine = await createEngine({ device, threads });
    const served = new CheckpointModel(model, engine, batchSize);
    try {
      await served.program(ENCODE);
      if (served.tasks.includes('reconstruct')) await served.program(served.reconstructionProgram(undefined));
    } catch (error) {
      await engine.dispose();
      throw error;
    }
    return served;
  }

  encode(signals: Signals): Work {
    return { program: ENCODE, feeds: signals };
  }

  reconstruct(signals: Signals, maskRatio: number | undefined, seed: number): ReconstructionWork {
    const masking = this.maskingOf(maskRatio);
    const plans = this.plansOf(masking);
    // The masks that `hip reconstruct` draws for its first image.
    const key = fold(keyFrom(seed), 'masks');
    const feeds = { ...signals, ...maskFeeds(plans, masking, key) };
    const mask = elementMask(plans[0], drawMask(plans[0], key));
    const share = mask.reduce((a, b) => a + b, 0) / mask.length;
    return { program: this.reconstructionProgram(maskRatio), feeds, mask, maskRatio: share };
  }

  async run(program: string, examples: readonly Feeds[]): Promise<Outputs[]> {
    const outputs = await (await this.program(program)).run(examples);
    if (program === ENCODE || !this.masking.normalizeTargets) return outputs;
    const [plan] = this.plansOf(this.masking);
    return outputs.map(({ reconstruction }, i) => ({
      reconstruction: restoreTargets(reconstruction, examples[i][plan.part.name] as Float32Array, plan),
    }));
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
    const unused = [...this.programs.keys()].filter((other) => other !== ENCODE).slice(0, 1 - KEPT_RATIOS);
    for (const other of name === ENCODE ? [] : unused) {
      const program = this.programs.get(other);
      this.programs.delete(other);
      await (await program)?.dispose();
    }
    const build = name === ENCODE ? this.buildEncoder : this.buildReconstruction(Number(name.split(' ')[1]));
    return CompiledProgram.create(this.engine, this.model, this.batchSize, build);
  }

  private readonly buildEncoder: Build = (scope, inputs) => {
    const { description } = this.model;
    return {
      features: features(description, scope, inputs),
      ...(description.classes ? { probabilities: classify(description, scope, inputs).softmax(-1) } : {}),
    };
  };

  private buildReconstruction(ratio: number): Build {
    const { description } = this.model;
    const masking = { ...this.maskingOf(ratio), reconstruct: 'all' } as const;
    const { config, modalities } = description;
    return (scope, inputs) => {
      const { outputs } = maskedAutoencoding(scope, systemOf(description), config, modalities, inputs, masking);
      return { reconstruction: outputs.reconstruction[modalities[0].name] };
    };
  }

  private maskingOf(ratio: number | undefined): AutoencodingOptions {
    return ratio === undefined ? this.masking : { ...this.masking, ratio };
  }

  private plansOf(masking: AutoencodingOptions): MaskPlan[] {
    const { config, modalities } = this.model.description;
    return planMasks(systemOf(this.model.description).grouping(config, modalities), masking, 1);
  }

  /** Dropped inputs are not computed, so each number of them needs a program of its own. */
  private reconstructionProgram(ratio: number | undefined): string {
    const wanted = this.masking.input === 'drop' ? (ratio ?? this.masking.ratio) : this.masking.ratio;
    const share = typeof wanted === 'number' ? wanted : wanted[this.modalities[0].name];
    return `reconstruct ${share}`;
  }
}
