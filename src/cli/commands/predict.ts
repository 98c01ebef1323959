import { mkdir } from 'node:fs/promises';
import { answerOf, loadModel } from '../../tasks/index.js';
import { answers } from '../answers.js';
import { defineCommand } from '../command.js';
import { checkpointArgument, countOption, deviceOption, startEngine } from '../modelOptions.js';
import { shortList } from '../quantities.js';
import { fromFiles } from '../showReconstructions.js';

/** `hip predict`: what a model says of single files. */
export const command = defineCommand({
  name: 'predict',
  summary: 'Say what a model makes of files: classes with probabilities, segments, or reconstructions',
  usage: 'CHECKPOINT FILE… [--top K] [--out FOLDER] [options]',
  description:
    'FILE is of the kind that the model was trained on: an image, a sound, a video, points or a raster. A classifier names the ' +
    'likeliest classes; a segmentation model lays its classes over a picture; a pre-trained model masks and fills in, in ' +
    'pictures, sounds and clips. A raster larger than the model’s input is cut into tiles, and its answer is one picture of the ' +
    'whole scene. Files that cannot be read are named, the others go on, and the exit code is 1.',
  options: {
    top: { type: 'number', default: 5, placeholder: 'K', help: 'classes to name of each file' },
    out: {
      type: 'string',
      placeholder: 'FOLDER',
      help: 'folder for the pictures (default: predictions; of a classifier none are drawn unless it is given)',
    },
    device: deviceOption,
  },
  positionals: [checkpointArgument, { name: 'FILE', help: 'files to look at', many: true }],
  examples: [
    'hip predict runs/first-finetune cat.jpg dog.png',
    'hip predict runs/digits-finetune seven.wav --top 3 --json',
    'hip predict runs/roads-finetune street.png --out seen',
    'hip predict runs/talking clip.mp4',
  ],
  run: async ({ positionals: [path, ...files], options, output }) => {
    const top = countOption('--top', options.top);
    const model = fromFiles(await loadModel(path));
    const answer = answerOf(model.description);
    const out = options.out ?? (answer === 'classes' ? undefined : 'predictions');
    if (out) await mkdir(out, { recursive: true });
    await using engine = await startEngine(options.device);
    const { results, unreadable, lines, pictures } = await answers[answer]({ model, files, engine, top, out });
    output.result({ model: path, answer, files: results, unreadable, pictures }, () =>
      [
        ...lines,
        ...(pictures.length > 0 ? ['', `pictures      ${shortList(pictures)}`] : []),
        ...unreadable.map(({ file, reason }) => `"${file}" cannot be read: ${reason}.`),
      ]
        .join('\n')
        .trimStart(),
    );
    return unreadable.length > 0 ? 1 : 0;
  },
});
