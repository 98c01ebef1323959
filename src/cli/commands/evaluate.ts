import { ensure } from '../../errors/index.js';
import { evaluateEncoder, evaluateRetrieval, evaluateTask, loadModel, openDataOf } from '../../tasks/index.js';
import { writePng } from '../../visualize/index.js';
import { defineCommand } from '../command.js';
import { describeEncoder, describeRetrieval } from '../describe/encoder.js';
import { classLines, scoreJson, scoreLines } from '../describe/score.js';
import { scorePicture } from '../describe/scorePicture.js';
import { describeLeftOut } from '../describe/skipped.js';
import {
  checkpointArgument,
  countOption,
  dataOption,
  deviceOption,
  splitOption,
  startEngine,
} from '../modelOptions.js';
import { UsageError } from '../usageError.js';
import { progressWatch } from '../watch.js';

/** `hip evaluate`: how well a fine-tuned model does, or what a pre-trained encoder's features are worth. */
export const command = defineCommand({
  name: 'evaluate',
  summary: 'Measure a fine-tuned model, or a pre-trained encoder by linear probe and nearest neighbours',
  usage: 'CHECKPOINT [--data PATH] [options]',
  description:
    'A fine-tuned model: accuracy and confusion of a classifier, mean average precision and d’ of a tagger, mean ' +
    'intersection over union of a segmentation, each by class. A pre-trained encoder: linear classifiers on its frozen ' +
    'features (the mean of its last latents, and all latents of each block), beside the same on raw values and chance, and a vote of the nearest training examples. A model of several signals: how well one finds the other.',
  options: {
    data: dataOption,
    split: splitOption,
    linear: { type: 'boolean', help: 'the linear probe' },
    knn: { type: 'boolean', help: 'the nearest neighbours' },
    retrieval: { type: 'boolean', help: 'whether each signal alone finds the other of the same example' },
    neighbours: { type: 'number', short: 'k', default: 20, help: 'how many nearest neighbours vote' },
    limit: { type: 'number', help: 'use at most so many training examples for the probes' },
    batchSize: { type: 'number', default: 50, help: 'examples at a time' },
    out: {
      type: 'string',
      placeholder: 'PNG',
      help: 'draw the confusion of a classifier, a tagger’s precision by class, or segmented examples',
    },
    device: deviceOption,
  },
  positionals: [checkpointArgument],
  examples: [
    'hip evaluate runs/first --data photos',
    'hip evaluate runs/first --linear --limit 5000',
    'hip evaluate runs/first-finetune --out confusion.png --json',
    'hip evaluate runs/talking-faces --retrieval',
  ],
  run: async ({ positionals, options, quiet, output }) => {
    const { data: path, split, out, linear, knn, retrieval } = options;
    if (retrieval && (linear || knn)) throw new UsageError('Give either --retrieval or the probes --linear and --knn.');
    const model = await loadModel(positionals[0]);
    const settings = {
      linear,
      knn,
      k: countOption('--neighbours', options.neighbours),
      batchSize: countOption('--batch-size', options.batchSize),
      watch: progressWatch(quiet),
    };
    const { batchSize, watch } = settings;
    const limit = countOption('--limit', options.limit);
    const isScored = model.description.classes && !linear && !knn && !retrieval;
    ensure(isScored || !out, () => '--out draws the score of a fine-tuned model: leave it out for features.');
    await using engine = await startEngine(options.device);
    const test = await openDataOf(model, { path, split });
    if (isScored) {
      const score = await evaluateTask(model, test, engine, batchSize, watch);
      if (out) await writePng(out, await scorePicture(score, model, test, engine, model.path));
      output.result(scoreJson(score), () =>
        [...describeLeftOut(score), ...scoreLines(score), ...classLines(score)].join('\n'),
      );
    } else if (retrieval) {
      const score = await evaluateRetrieval(model, test, engine, batchSize, watch);
      output.result(score, () => describeRetrieval(score));
    } else {
      const train = await openDataOf(model, { path, split: 'train', limit });
      const score = await evaluateEncoder(model, train, test, engine, settings);
      output.result(score, () => describeEncoder(score));
    }
  },
});
