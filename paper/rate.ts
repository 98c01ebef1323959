/** Running a recipe, and how many of its steps fit into a time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finetune } from '../src/tasks/index.js';
import { pretrain, type Recipe, type TrainingPlan } from '../src/training/index.js';

/** Runs a recipe without a progress bar. */
export function runRecipe(
  command: 'pretrain' | 'finetune',
  recipe: Recipe,
  onPlan: (plan: TrainingPlan) => void = () => {},
) {
  const options = { quiet: true, onPlan };
  return command === 'pretrain' ? pretrain(recipe, options) : finetune(recipe, options);
}

/** Steps of a short and of a longer run, whose difference is neither starting nor scoring. */
const PROBED_STEPS = [8, 40] as const;
const CORES = 2;

/**
 * How many steps of a recipe take so many minutes of two cores. Processor time is counted, not the clock: other work on the
 * machine then shifts no budget.
 */
export async function stepsIn(minutes: number, command: 'pretrain' | 'finetune', recipe: Recipe): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'rate-'));
  const secondsOf = async (steps: number) => {
    const training = { ...recipe.training, steps, out: join(folder, `${steps}`) };
    const before = process.cpuUsage();
    await runRecipe(command, { ...recipe, training });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  try {
    const [few, more] = PROBED_STEPS;
    const [short, long] = [await secondsOf(few), await secondsOf(more)];
    return Math.max(1, Math.round((60 * CORES * minutes * (more - few)) / Math.max(long - short, 1e-3)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
