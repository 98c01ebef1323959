import { defineCommand } from '../command.js';
import { checkpointArgument, countOption, dataOption, deviceOption, splitOption } from '../modelOptions.js';
import { showReconstructions } from '../showReconstructions.js';

/** `hip reconstruct`: what a pre-trained model makes of masked examples. */
export const command = defineCommand({
  name: 'reconstruct',
  summary: 'Mask examples, let the model fill them in, and draw both',
  usage: 'CHECKPOINT [FILE… | --data PATH] [--out PNG] [options]',
  description:
    'Draws what the model saw, its reconstruction and the original, one row for each example: images with the difference, ' +
    'sounds as waveforms and spectrograms with wav files beside the picture, videos as strips of frames with an mp4 file, ' +
    'point clouds in perspective, rasters through three of their bands. A model of several modalities gets a picture for each.',
  options: {
    data: dataOption,
    split: splitOption,
    out: { type: 'string', default: 'reconstructions.png', placeholder: 'PNG', help: 'the picture' },
    maskRatio: {
      type: 'string',
      placeholder: 'R',
      help: 'share that is masked (default: as in training), or by modality: video=0.5,audio=1',
    },
    count: { type: 'number', help: 'examples (default: what fits into a picture)' },
    seed: { type: 'number', default: 0, help: 'seed of the masks' },
    device: deviceOption,
  },
  recipe: true,
  positionals: [checkpointArgument, { name: 'FILE', help: 'files to reconstruct', optional: true, many: true }],
  examples: [
    'hip reconstruct runs/first',
    'hip reconstruct runs/first cat.jpg dog.png --mask-ratio 0.6 --out pets.png',
    'hip reconstruct runs/spoken seven.wav',
    'hip reconstruct runs/talking --mask-ratio video=0,audio=1',
    'hip reconstruct runs/talking --masking.ratio.audio 1 --masking.scheme uniform',
    'hip reconstruct runs/first --data photos --count 4 --seed 3',
  ],
  run: async ({ positionals: [path, ...files], options, overrides, output }) =>
    showReconstructions({ ...options, path, files, overrides, count: countOption('--count', options.count) }, output),
});
