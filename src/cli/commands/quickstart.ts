import { defineCommand } from '../command.js';
import { untilInterrupted } from '../interrupt.js';
import { nextSteps } from '../quickstart/report.js';
import { quickstart } from '../quickstart/run.js';

/** `hip quickstart`: the whole way once, with the images that come with the program. */
export const command = defineCommand({
  name: 'quickstart',
  summary: 'Pre-train, fine-tune and look, in a few minutes, on images that come with the program',
  usage: '[options]',
  description:
    'Pre-trains a small HiP on Fashion-MNIST by masked auto-encoding, fine-tunes it to classify, trains the same ' +
    'network from scratch, and writes pictures and a report.',
  options: {
    folder: {
      type: 'string',
      help: 'where everything is written; runs of an earlier quickstart there are replaced',
      default: 'runs/quickstart',
      placeholder: 'DIR',
    },
  },
  recipe: true,
  examples: ['hip quickstart', 'hip quickstart --steps 200 --folder /tmp/quick'],
  async run({ options, overrides, quiet, output }) {
    const { folder } = options;
    const { result, code } = await untilInterrupted((signal) =>
      quickstart({ folder, overrides, quiet, signal, output }),
    );
    if (!result) {
      output.note(`Stopped; what was trained so far is in ${folder}.`);
      return code;
    }
    const { locality, finetuned, scratch, seconds } = result;
    output.result(result, () =>
      [
        '',
        `Locality of the learned positions   ${locality.score.toFixed(2)}   (chance ${locality.chance.toFixed(2)})`,
        `Accuracy, pre-trained encoder       ${(100 * finetuned.top1).toFixed(1)} %`,
        `Accuracy, from scratch              ${(100 * scratch.top1).toFixed(1)} %   (same steps, same batches)`,
        `Time                                ${Math.round(seconds.total)} s`,
        '',
        `Open ${folder}/report.html, or look at positions.png, reconstructions.png and confusion.png beside it.`,
        '',
        'Next:',
        ...nextSteps(folder).map((line) => `  ${line}`),
      ].join('\n'),
    );
    return 0;
  },
});
