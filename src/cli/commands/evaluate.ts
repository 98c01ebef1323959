import type { Engine } from '../../engine/index.js';
import { ensure } from '../../errors/index.js';
import {
  type ClassificationScore,
  type EncoderScore,
  evaluateClassifier,
  evaluateEncoder,
  loadModel,
  openImagesOf,
  type TrainedModel,
  type Watch,
} from '../../tasks/index.js';
import { confusionPicture, writePng } from '../../visualize/index.js';
import { defineCommand } from '../command.js';
import { accuracyLines, confusionLines, confusionRows } from '../describe/classifier.js';
import { describeSkipped } from '../describe/skipped.js';
import {
  checkpointArgument,
  countOption,
  dataOption,
  deviceOption,
  splitOption,
  startEngine,
} from '../modelOptions.js';
import { formatShare } from '../quantities.js';
import { formatTable } from '../table.js';
import { progressWatch } from '../watch.js';

/** `hip evaluate`: accuracy of a classifier, or what a pre-trained encoder's features are worth. */
export const command = defineCommand({
  name: 'evaluate',
  summary: 'Measure a classifier, or a pre-trained encoder by linear probe and nearest neighbours',
  usage: 'CHECKPOINT [--data PATH] [options]',
  description:
    'A model with a classifier: accuracy and confusion. A pre-trained encoder: linear classifiers on its frozen ' +
    'features (the mean of its last latents, and all latents of each block), beside the same on raw pixels and chance, and a vote of the nearest training images.',
  options: {
    data: dataOption,
    split: splitOption,
    linear: { type: 'boolean', help: 'the linear probe' },
    knn: { type: 'boolean', help: 'the nearest neighbours' },
    neighbours: { type: 'number', short: 'k', default: 20, help: 'how many nearest neighbours vote' },
    limit: { type: 'number', help: 'use at most so many training images for the probes' },
    batchSize: { type: 'number', default: 50, help: 'images at a time' },
    out: { type: 'string', placeholder: 'PNG', help: 'draw the confusion matrix of a classifier' },
    device: deviceOption,
  },
  positionals: [checkpointArgument],
  examples: [
    'hip evaluate runs/first --data photos',
    'hip evaluate runs/first --linear --limit 5000',
    'hip evaluate runs/first-finetune --out confusion.png --json',
  ],
  run: async ({ positionals, options, quiet, output }) => {
    const model = await loadModel(positionals[0]);
    await using engine = await startEngine(options.device);
    const settings = {
      ...options,
      k: countOption('--neighbours', options.neighbours),
      limit: countOption('--limit', options.limit),
      batchSize: countOption('--batch-size', options.batchSize),
      watch: progressWatch(quiet),
    };
    if (model.description.classes && !options.linear && !options.knn) {
      const score = await classifierScore(model, engine, settings);
      output.result({ ...score, confusion: confusionRows(score) }, () =>
        [...describeSkipped(score.skipped), ...accuracyLines(score), ...confusionLines(score)].join('\n'),
      );
    } else {
      ensure(!options.out, () => '--out draws the confusion matrix of a classifier: leave it out for the probes.');
      const train = await openImagesOf(model, { path: options.data, split: 'train', limit: settings.limit });
      const test = await openImagesOf(model, { path: options.data, split: options.split });
      const score = await evaluateEncoder(model, train, test, engine, settings);
      output.result(score, () => describeEncoder(score));
    }
  },
});

interface Settings {
  data?: string;
  split: string;
  batchSize: number;
  out?: string;
  watch: Watch;
}

async function classifierScore(
  model: TrainedModel,
  engine: Engine,
  { data, split, batchSize, out, watch }: Settings,
): Promise<ClassificationScore> {
  const test = await openImagesOf(model, { path: data, split });
  const score = await evaluateClassifier(model, test, engine, batchSize, watch);
  if (out) await writePng(out, confusionPicture(score, model.path));
  return score;
}

function describeEncoder({ linear, knn, chance, train, test, featureDim, skipped }: EncoderScore): string {
  return [
    ...describeSkipped(skipped),
    formatTable([
      ...(linear ? [[`linear probe, mean of the last latents (${featureDim})`, formatShare(linear.features)]] : []),
      ...(linear?.blocks ?? []).map(({ block, dim, accuracy }) => [
        `linear probe, all latents of block ${block} (${dim.toLocaleString('en-US')})`,
        formatShare(accuracy),
      ]),
      ...(linear ? [['linear probe, raw pixels', formatShare(linear.pixels)]] : []),
      ...(knn ? [[`${knn.k} nearest neighbours`, formatShare(knn.features)]] : []),
      ['chance', formatShare(chance)],
    ]),
    '',
    `Accuracy on ${test} images; ${train} training images with labels; the encoder stays as it is.`,
  ].join('\n');
}
