import { createEngine } from '../../engine/index.js';
import { ensure } from '../../errors/index.js';
import { openSplit, pretrain, suggestPretraining } from '../../training/index.js';
import { type PretrainingPictures, writePretrainingPictures } from '../../visualize/index.js';
import { chooseRecipe } from '../chooseRecipe.js';
import { defineCommand } from '../command.js';
import { describePlan } from '../describe/plan.js';
import { describeLeftOut, describeSkippedUpdates } from '../describe/skipped.js';
import { untilInterrupted } from '../interrupt.js';
import { shortList } from '../quantities.js';
import { progressWatch } from '../watch.js';

/** `hip pretrain`: masked auto-encoding, from a recipe or from the data alone. */
export const command = defineCommand({
  name: 'pretrain',
  summary: 'Pre-train a model on raw inputs by filling in what is masked',
  usage: '[RECIPE] [--data PATH] [options]',
  description:
    'RECIPE is a .ts, .js or .json file or the name of a recipe that comes with the program. Without one, a small model ' +
    'and settings that suit the data of --data are chosen. Every value of the recipe can be given as an option. ' +
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
    const recipe = await chooseRecipe('pretrain', positionals[0], overrides, async (data, system) => {
      ensure(data, () => 'Nothing to train on: give a folder of images with --data, or a recipe such as quickstart.');
      return suggestPretraining(data, system);
    });
    await using engine = await createEngine(recipe.training);
    const { result, code } = await untilInterrupted((signal) =>
      pretrain(recipe, { engine, signal, quiet, onPlan: (plan) => output.note(describePlan(plan)) }),
    );
    const { parameters, ...facts } = result;
    const { folder, checkpoint, step, loss } = result;
    const skipped = [...describeLeftOut(result), ...describeSkippedUpdates(result.skippedUpdates)];
    if (result.interrupted) {
      const way = [program, 'pretrain', ...positionals, '--resume', '--out', folder].join(' ');
      const sentence = `Interrupted at step ${step} and saved in ${checkpoint}: "${way}" goes on.`;
      output.result(facts, () => [...skipped, sentence].join('\n'));
      return code;
    }
    const model = { path: checkpoint, description: result.description, parameters };
    const drawn = await writePretrainingPictures(
      folder,
      model,
      await openSplit(recipe, 'test'),
      recipe.masking,
      engine,
      progressWatch(quiet),
    );
    output.result({ ...facts, ...drawn }, () =>
      [
        ...skipped,
        `loss          ${loss.toPrecision(4)} after ${step} steps`,
        ...localityLines(drawn),
        `checkpoint    ${checkpoint}`,
        `pictures      ${drawn.pictures.join(', ')}`,
        ...(drawn.files.length > 0 ? [`beside them   ${shortList(drawn.files, 3)}`] : []),
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

function localityLines({ localities }: PretrainingPictures): string[] {
  const several = Object.keys(localities).length > 1;
  return Object.entries(localities).map(
    ([name, { score, chance }]) =>
      `locality      ${score.toFixed(3)} of the learned positions${several ? ` of ${name}` : ''} (chance ${chance.toFixed(3)})`,
  );
}
