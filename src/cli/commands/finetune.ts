import { join } from 'node:path';
import { createEngine } from '../../engine/index.js';
import { ensure } from '../../errors/index.js';
import { finetune } from '../../tasks/index.js';
import { openSplit, suggestFinetuning, suggestScratch } from '../../training/index.js';
import { writePng } from '../../visualize/index.js';
import { chooseRecipe } from '../chooseRecipe.js';
import { defineCommand } from '../command.js';
import { describePlan } from '../describe/plan.js';
import { scoreJson, scoreLines } from '../describe/score.js';
import { pictureNames, scorePicture } from '../describe/scorePicture.js';
import { describeLeftOut, describeSkippedUpdates } from '../describe/skipped.js';
import { untilInterrupted } from '../interrupt.js';
import { UsageError } from '../usageError.js';

const noBeginning = () => 'Say what to begin with: --from CHECKPOINT, or --scratch.';

/** `hip finetune`: a classifier, tagger or segmentation from a checkpoint, or from scratch. */
export const command = defineCommand({
  name: 'finetune',
  summary: 'Train a pre-trained model, or a new one, to classify, tag or segment',
  usage: '[RECIPE] --from CHECKPOINT|--scratch [--data PATH] [options]',
  description:
    'Without a RECIPE the checkpoint’s own model, data and sizes are used, and settings that suit them. The data tell the ' +
    'task: one class for each example (folders, stored labels, a column of a table), several (a column "labels"), or one ' +
    'for every pixel (label maps). The score is that of the test split, or of a held-out share.',
  options: {
    from: { type: 'string', placeholder: 'CHECKPOINT', help: 'checkpoint or run folder to begin with' },
    scratch: { type: 'boolean', help: 'begin with random values' },
  },
  positionals: [{ name: 'RECIPE', help: 'file or name of a recipe', optional: true }],
  recipe: true,
  examples: [
    'hip finetune --from runs/first',
    'hip finetune quickstart-finetune --from runs/quickstart/pretrain --steps 200',
    'hip finetune --scratch --data photos --out runs/baseline',
  ],
  run: async ({ positionals, options, overrides: typed, quiet, output, program }) => {
    const { from, scratch } = options;
    if (from && scratch) throw new UsageError('Give either --from CHECKPOINT or --scratch.');
    const overrides = { ...typed, ...(from || scratch ? { 'finetune.from': from ?? '' } : {}) };
    const resolved = await chooseRecipe('finetune', positionals[0], overrides, async (data, system) => {
      if (from) return suggestFinetuning(from, data);
      ensure(scratch, noBeginning);
      ensure(data, () => 'Nothing to train on: give labelled data with --data, such as one folder for each class.');
      return suggestScratch(data, system);
    });
    ensure(scratch || resolved.finetune.from || typed['training.resume'], noBeginning);
    // The baseline of a recipe is kept beside what it is compared with.
    const name = scratch && positionals[0] ? `${resolved.name}-scratch` : resolved.name;
    const recipe = { ...resolved, name };
    await using engine = await createEngine(recipe.training);
    const { result, code } = await untilInterrupted((signal) =>
      finetune(recipe, { engine, signal, quiet, onPlan: (plan) => output.note(describePlan(plan)) }),
    );
    const { parameters, score, ...facts } = result;
    const { folder, checkpoint, step, loss } = result;
    const skipped = [...describeLeftOut(result), ...describeSkippedUpdates(result.skippedUpdates)];
    if (!score) {
      const way = [program, 'finetune', '--resume', '--out', folder].join(' ');
      const sentence = `Interrupted at step ${step} and saved in ${checkpoint}: "${way}" goes on.`;
      output.result(facts, () => [...skipped, sentence].join('\n'));
      return code;
    }
    const model = { path: checkpoint, description: result.description, parameters };
    const test = await openSplit(recipe, 'test');
    const picture = join(folder, `${pictureNames[score.task]}.png`);
    const title = scratch ? 'Trained from scratch' : 'Fine-tuned';
    await writePng(picture, await scorePicture(score, model, test, engine, title));
    output.result({ ...facts, ...scoreJson(score), picture }, () =>
      [
        ...skipped,
        ...scoreLines(score),
        `loss          ${loss.toPrecision(4)} after ${step} steps`,
        `checkpoint    ${checkpoint}`,
        `picture       ${picture}`,
        '',
        'Next:',
        `  ${program} evaluate ${folder}`,
        ...(score.task === 'segmentation' ? [] : [`  ${program} visualize attention ${folder}`]),
        ...(score.task === 'classification' ? [`  ${program} export ${folder} --out model.onnx`] : []),
      ].join('\n'),
    );
    return 0;
  },
});
