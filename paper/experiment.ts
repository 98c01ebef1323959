/** One row of a table of results: a few runs, each a command that anybody can type, for several seeds. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FinetuneResult } from '../src/tasks/index.js';
import { loadRecipe, resolveRecipe, type TrainingPlan } from '../src/training/index.js';
import { type Prepared, prepare, prepareLine } from './prepared.js';
import { runRecipe, stepsIn } from './rate.js';

/** One run: a recipe, and what is typed behind it. */
export interface Run {
  command: 'pretrain' | 'finetune';
  recipe: string;
  /** Recipe values by dotted key, as typed. */
  overrides: Record<string, string>;
  /** Train for so many minutes of two cores, by the rate of a few steps made before, instead of the recipe's number of steps. */
  minutes?: number;
  /** Recipe value that names the folder of the run before, where that is not what fine-tuning starts from. */
  follows?: 'model.tokenizer' | 'model.from';
}

/** A model that is trained and scored; the last run gives the score, and each run starts from the one before. */
export interface Row {
  name: string;
  /** Shards that the runs read, made once. */
  prepared?: Prepared;
  runs: Run[];
  /** Scores the last run by its folder, where that is not the score of its fine-tuning; further numbers by name. */
  score?(folder: string): Promise<{ score: number } & Record<string, number>>;
}

/** A row's outcome with one seed. */
export interface Outcome {
  seed: number;
  /** Of the last run on held-out data: accuracy, mean intersection over union, or mean average precision; 0 … 1. */
  score: number;
  /** Further numbers, by name. */
  further?: Record<string, number>;
  /** Of training and scoring. */
  minutes: number;
  /** What each run took and came to. */
  runs: RunFacts[];
}

/** What a run took and came to. */
export interface RunFacts {
  /** Of the last step. */
  loss: number;
  /** Optimiser updates, where the row asks for minutes. */
  steps?: number;
  /** Milliseconds of a training step, data included. */
  stepMs: number;
  /** Estimated bytes of training, and floating-point operations of a step. */
  memory: number;
  flops: number;
  parameters: number;
}

/** What one types to repeat a run. */
function commandLine({ command, recipe, overrides, follows }: Run): string {
  const before = follows ? { [follows]: 'RUN-BEFORE' } : {};
  const typed = Object.entries({ ...overrides, ...before }).map(([key, value]) => `--${key} ${value}`);
  return ['./hip', command, recipe, ...typed].join(' ');
}

/** All that one types to repeat a row. */
export function rowCommands({ prepared, runs }: Row): string {
  return [...(prepared ? [prepareLine(prepared)] : []), ...runs.map(commandLine)].join(' ; ');
}

/** A file name for a row. */
function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** Whether a row has been run with a seed. */
export function hasRun(row: Row, seed: number, folder: string): boolean {
  return existsSync(outcomeFile(row, seed, folder));
}

function outcomeFile(row: Row, seed: number, folder: string): string {
  return join(folder, `${slug(row.name)}-${seed}`, 'outcome.json');
}

/**
 * Runs a row with one seed in a folder of its own, or gives what is there from an earlier call that was interrupted.
 * @param say hears what is being done
 */
export async function runRow(row: Row, seed: number, folder: string, say: (what: string) => void): Promise<Outcome> {
  const kept = outcomeFile(row, seed, folder);
  const where = dirname(kept);
  if (existsSync(kept)) return JSON.parse(await readFile(kept, 'utf8')) as Outcome;
  await rm(where, { recursive: true, force: true });
  await mkdir(where, { recursive: true });
  if (row.prepared) await prepare(row.prepared);
  const began = performance.now();
  const runs: RunFacts[] = [];
  let from = '';
  let score = Number.NaN;
  for (const [i, run] of row.runs.entries()) {
    say(`${row.name}, seed ${seed}: ${run.command}`);
    const out = join(where, `${i + 1}-${run.command}`);
    const overrides = {
      ...run.overrides,
      'training.seed': String(seed),
      'training.out': out,
      ...(run.command === 'finetune' && from ? { 'finetune.from': from } : {}),
      ...(run.follows ? { [run.follows]: from } : {}),
    };
    const file = await loadRecipe(run.recipe);
    const recipe = resolveRecipe(file, overrides);
    const steps = run.minutes && (await stepsIn(run.minutes, run.command, recipe));
    if (steps) recipe.training.steps = steps;
    let plan: TrainingPlan | undefined;
    const result = await runRecipe(run.command, recipe, (made) => (plan = made));
    if (run.command === 'finetune') score = primary((result as FinetuneResult).score);
    const { memory = 0, flopsPerStep: flops = 0, parameters = 0 } = plan ?? {};
    runs.push({
      loss: result.loss,
      ...(steps ? { steps } : {}),
      stepMs: (1000 * result.seconds) / result.step,
      memory,
      flops,
      parameters,
    });
    from = out;
  }
  let further: Record<string, number> | undefined;
  if (row.score) ({ score, ...further } = await row.score(from));
  const outcome = { seed, score, further, runs, minutes: (performance.now() - began) / 60_000 };
  await writeFile(kept, `${JSON.stringify(outcome, null, 2)}\n`);
  return outcome;
}

/** Milliseconds of a training step of a run as the machine is now: the best of three short trainings, data included. */
export async function timeSteps(run: Run, steps = 20): Promise<number> {
  const out = await mkdtemp(join(tmpdir(), 'hiperceiver-paper-'));
  const times: number[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      const typed = { ...run.overrides, 'training.steps': String(steps), 'training.out': join(out, String(i)) };
      const recipe = resolveRecipe(await loadRecipe(run.recipe), typed);
      const { seconds, step } = await runRecipe(run.command, recipe);
      times.push((1000 * seconds) / step);
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
  return Math.min(...times);
}

/** The one number of a score: accuracy, mean average precision, or mean intersection over union. */
function primary(score: FinetuneResult['score']): number {
  switch (score?.task) {
    case 'classification':
      return score.top1;
    case 'tagging':
      return score.mAP;
    case 'segmentation':
      return score.meanIoU;
    case undefined:
      return Number.NaN;
  }
}
