import type { SkippedFile } from '../../data/index.js';
import { embedDataset, loadModel, openDataOf, saveFeatures } from '../../tasks/index.js';
import { defineCommand } from '../command.js';
import { describeSkipped } from '../describe/skipped.js';
import { checkpointArgument, countOption, dataOption, deviceOption, startEngine } from '../modelOptions.js';
import { plural } from '../quantities.js';
import { progressWatch } from '../watch.js';

/** `hip embed`: the encoder's features of whole data sets. */
export const command = defineCommand({
  name: 'embed',
  summary: 'Write the encoder’s features of examples to npy files',
  usage: 'CHECKPOINT [--data PATH] [--out NPY] [options]',
  description:
    'One row for each example: the mean of the encoder’s last latents; nothing is masked. Beside the features lie the ' +
    'labels (.labels.npy) and the examples’ names (.ids.txt). With several splits each has its name in the file’s.',
  options: {
    data: dataOption,
    split: { type: 'strings', default: ['train', 'test'], help: 'splits, comma-separated' },
    out: { type: 'string', default: 'features.npy', placeholder: 'NPY', help: 'file of the features' },
    limit: { type: 'number', help: 'at most so many examples of each split' },
    block: { type: 'number', help: 'all latents of that encoder block instead of the mean of the last' },
    batchSize: { type: 'number', default: 50, help: 'examples at a time' },
    device: deviceOption,
  },
  positionals: [checkpointArgument],
  examples: [
    'hip embed runs/first --out features.npy',
    'hip embed runs/first --data photos --split train --limit 1000',
    'hip embed runs/first --block 0 --out latents.npy',
  ],
  run: async ({ positionals, options, quiet, output }) => {
    const { data: path, split: splits, out, device } = options;
    const batchSize = countOption('--batch-size', options.batchSize);
    const limit = countOption('--limit', options.limit);
    const view = options.block === undefined ? 'mean' : { block: options.block };
    const model = await loadModel(positionals[0]);
    await using engine = await startEngine(device);
    const written: {
      split: string;
      examples: number;
      dim: number;
      files: string[];
      skipped: readonly SkippedFile[];
    }[] = [];
    for (const split of splits) {
      const dataset = await openDataOf(model, { path, split, limit });
      const features = await embedDataset(model, dataset, engine, batchSize, view, progressWatch(quiet));
      const file = splits.length > 1 ? out.replace(/(\.npy)?$/, `.${split}.npy`) : out;
      const files = await saveFeatures(file, features, dataset);
      written.push({ split, examples: features.ids.length, dim: features.dim, files, skipped: features.skipped });
    }
    output.result(written, () =>
      written
        .flatMap(({ split, examples, dim, files, skipped }) => [
          ...describeSkipped(skipped),
          `${split}: ${plural(examples, 'example')} x ${dim} features in ${files.join(', ')}`,
        ])
        .join('\n'),
    );
  },
});
