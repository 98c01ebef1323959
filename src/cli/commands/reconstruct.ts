import { openImageFiles } from '../../data/index.js';
import { ensure } from '../../errors/index.js';
import { loadModel, openDataOf } from '../../tasks/index.js';
import { defaultRecipe } from '../../training/index.js';
import { reconstructionPicture, writePng } from '../../visualize/index.js';
import { defineCommand } from '../command.js';
import {
  checkpointArgument,
  countOption,
  dataOption,
  deviceOption,
  splitOption,
  startEngine,
} from '../modelOptions.js';

/** `hip reconstruct`: what a pre-trained model makes of masked images. */
export const command = defineCommand({
  name: 'reconstruct',
  summary: 'Mask images, let the model fill them in, and draw both',
  usage: 'CHECKPOINT [FILE… | --data PATH] [--out PNG] [options]',
  description: 'Draws input, what the model saw, its reconstruction and the difference, one row for each image.',
  options: {
    data: dataOption,
    split: splitOption,
    out: { type: 'string', default: 'reconstructions.png', placeholder: 'PNG', help: 'the picture' },
    maskRatio: { type: 'number', placeholder: 'R', help: 'share that is masked (default: as in training)' },
    count: { type: 'number', default: 8, help: 'images' },
    seed: { type: 'number', default: 0, help: 'seed of the masks' },
    device: deviceOption,
  },
  positionals: [checkpointArgument, { name: 'FILE', help: 'images to reconstruct', optional: true, many: true }],
  examples: [
    'hip reconstruct runs/first',
    'hip reconstruct runs/first cat.jpg dog.png --mask-ratio 0.6 --out pets.png',
    'hip reconstruct runs/first --data photos --count 4 --seed 3',
  ],
  run: async ({ positionals: [path, ...files], options, output }) => {
    const { data, split, out, maskRatio, seed, device } = options;
    const count = countOption('--count', options.count);
    const model = await loadModel(path);
    ensure(
      !model.description.classes,
      () => `${path} is a classifier without a decoder: reconstruct with the checkpoint that it was fine-tuned from.`,
    );
    const images = files.length > 0 ? openImageFiles(files) : await openDataOf(model, { path: data, split });
    const masking = {
      ...(model.recipe?.masking ?? defaultRecipe.masking),
      ...(maskRatio === undefined ? {} : { ratio: maskRatio }),
    };
    await using engine = await startEngine(device);
    const { figure, loss } = await reconstructionPicture(model, images, masking, engine, {
      count: files.length || count,
      seed,
    });
    await writePng(out, figure);
    output.result({ picture: out, loss, images: Math.min(files.length || count, images.size) }, () =>
      [
        `mean squared error   ${loss.toPrecision(4)} over the masked inputs (1 is the data’s own variance)`,
        `picture              ${out}`,
      ].join('\n'),
    );
  },
});
