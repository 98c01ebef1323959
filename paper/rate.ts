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

/** Steps whose time is taken for that of all others. */
const PROBED_STEPS = 12;

/** How many steps of a recipe this machine makes in so many minutes: by the difference between a short run and a longer one. */
export async function stepsIn(minutes: number, command: 'pretrain' | 'finetune', recipe: Recipe): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'rate-'));
  const secondsOf = async (steps: number) => {
    const training = { ...recipe.training, steps, out: join(folder, `${steps}`) };
    const { seconds } = await runRecipe(command, { ...recipe, training });
    return seconds;
  };
  try {
    const [short, long] = [await secondsOf(PROBED_STEPS), await secondsOf(2 * PROBED_STEPS)];
    return Math.max(1, Math.round((60 * minutes * PROBED_STEPS) / Math.max(long - short, 1e-3)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
