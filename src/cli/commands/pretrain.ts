import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createEngine } from '../../engine/index.js';
import { ensure } from '../../errors/index.js';
import {
  loadRecipe,
  openSplit,
  pretrain,
  type Recipe,
  resolveRecipe,
  suggestPretraining,
} from '../../training/index.js';
import { type PretrainingPictures, writePretrainingPictures } from '../../visualize/index.js';
import { defineCommand } from '../command.js';
import { untilInterrupted } from '../interrupt.js';
import { describePlan } from '../describe/plan.js';
import { describeSkipped } from '../describe/skipped.js';

/** `hip pretrain`: masked auto-encoding, from a recipe or from the data alone. */
export const command = defineCommand({
  name: 'pretrain',
  summary: 'Pre-train a model on raw inputs by filling in what is masked',
  usage: '[RECIPE] [--data PATH] [options]',
  description:
    'RECIPE is a .ts, .js or .json file or the name of a recipe that comes with the program. Without one, a small model ' +
    'and settings that suit the images of --data are chosen. Every value of the recipe can be given as an option. ' +
    'Ctrl-C saves and ends; --resume goes on.',
  options: {},
  positionals: [{ name: 'RECIPE', help: 'file or name of a recipe', optional: true }],
  recipe: true,
  examples: [
    'hip pretrain quickstart --steps 300 --out runs/first',
    'hip pretrain --data photos --variant small --steps 5000',
    'hip pretrain --resume --out runs/first',
    'hip pretrain my-recipe.ts --masking.scheme uniform --mask-ratio 0.7',
  ],
  run: async ({ positionals, overrides, quiet, output, program }) => {
    const recipe = await chooseRecipe(positionals[0], overrides);
    await using engine = await createEngine(recipe.training);
    let folder = '';
    const { result, code } = await untilInterrupted((signal) =>
      pretrain(recipe, {
        engine,
        signal,
        quiet,
        onPlan: (plan) => {
          folder = plan.folder;
          output.note(describePlan(plan));
        },
      }),
    );
    const { parameters, description, ...facts } = result;
    const skipped = describeSkipped(result.skipped);
    if (result.interrupted) {
      const way = `${program} pretrain ${[...positionals, '--resume', '--out', folder].join(' ')}`;
      output.result({ folder, ...facts }, () =>
        [...skipped, `Interrupted at step ${result.step} and saved: ${way} goes on from ${result.checkpoint}.`].join(
          '\n',
        ),
      );
      return code;
    }
    const model = { path: result.checkpoint, description, parameters };
    const heldOut = await openSplit(recipe, 'test');
    const drawn = await writePretrainingPictures(folder, model, heldOut, recipe.masking, engine);
    output.result({ folder, ...facts, ...drawn }, () =>
      [
        ...skipped,
        `loss          ${result.loss.toPrecision(4)} after ${result.step} steps`,
        ...localityLine(drawn),
        `checkpoint    ${result.checkpoint}`,
        `pictures      ${drawn.pictures.join(', ')}`,
        '',
        'Next:',
        `  ${program} evaluate ${folder}`,
        `  ${program} finetune --from ${folder}`,
        `  ${program} visualize attention ${folder}`,
      ].join('\n'),
    );
    return 0;
  },
});

function localityLine({ locality }: PretrainingPictures): string[] {
  return locality
    ? [`locality      ${locality.score.toFixed(3)} of the positions (chance ${locality.chance.toFixed(3)})`]
    : [];
}

/** The named recipe; else that of the run to be resumed; else one that suits the data. */
async function chooseRecipe(name: string | undefined, overrides: Record<string, string>): Promise<Recipe> {
  const recipe = resolveRecipe(await startingPoint(name, overrides), overrides);
  ensure(recipe.task === 'pretrain', () => `The recipe ${name} is for fine-tuning: use hip finetune ${name}.`);
  return recipe;
}

async function startingPoint(name: string | undefined, overrides: Record<string, string>) {
  if (name !== undefined) return loadRecipe(name);
  const { 'training.out': out, 'training.resume': resume, 'data.path': data } = overrides;
  const kept = join(out ?? '', 'recipe.json');
  if (resume === 'true' && out && existsSync(kept)) return loadRecipe(kept);
  ensure(data, () => 'Nothing to train on: give a folder of images with --data, or a recipe such as quickstart.');
  return suggestPretraining(data);
}
