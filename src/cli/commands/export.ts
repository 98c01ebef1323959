import { unknownName } from '../../errors/index.js';
import { type ExportTask, exportOnnx, loadModel } from '../../tasks/index.js';
import { defineCommand } from '../command.js';
import { checkpointArgument, countOption, startEngine } from '../modelOptions.js';
import { formatBytes, formatShape } from '../quantities.js';
import { formatTable } from '../table.js';
import { UsageError } from '../usageError.js';

const tasks = ['auto', 'features', 'classify', 'reconstruct'];

/** `hip export`: a file for inference that ONNX Runtime loads without this program. */
export const command = defineCommand({
  name: 'export',
  summary: 'Write a model as an ONNX file for inference anywhere',
  usage: 'CHECKPOINT [--out ONNX] [options]',
  description:
    'Plain ONNX (operator set 18) with the weights inside; very large weights lie in a second file beside it. Classes, ' +
    'mean, deviation and layout of the input stand in its metadata. The file is loaded with plain ONNX Runtime and ' +
    'compared with the model before it is put in its place.',
  options: {
    out: { type: 'string', default: 'model.onnx', placeholder: 'ONNX', help: 'the file' },
    task: {
      type: 'string',
      default: 'auto',
      help: 'features, classify or reconstruct; auto: classify where the model has classes, else features',
    },
    batchSize: { type: 'number', default: 1, help: 'images at a time' },
    embedNormalization: {
      type: 'boolean',
      help: 'take raw pixels of 0 to 1: mean and deviation become part of the file',
    },
  },
  positionals: [checkpointArgument],
  examples: [
    'hip export runs/first-finetune --out classifier.onnx --embed-normalization',
    'hip export runs/first --task features --batch-size 16 --out encoder.onnx',
    'hip export runs/first --task reconstruct --out autoencoder.onnx',
  ],
  run: async ({ positionals, options, output }) => {
    const { task, out, embedNormalization } = options;
    if (!tasks.includes(task)) throw new UsageError(unknownName('task', task, tasks).message);
    const batchSize = countOption('--batch-size', options.batchSize);
    const model = await loadModel(positionals[0]);
    await using engine = await startEngine('cpu');
    const report = await exportOnnx(model, out, engine, { task: task as ExportTask, batchSize, embedNormalization });
    const { files, bytes, inputs, outputs, largestDifference, relativeDifference } = report;
    output.result(report, () =>
      [
        formatTable([
          ...Object.entries(inputs).map(([name, { dtype, shape }]) => ['input', name, dtype, formatShape(shape)]),
          ...Object.entries(outputs).map(([name, { dtype, shape }]) => ['output', name, dtype, formatShape(shape)]),
        ]),
        '',
        `Plain ONNX Runtime gives the same: largest difference ${largestDifference.toExponential(1)} (${relativeDifference.toExponential(1)} of the largest value).`,
        `${files.join(' and ')}: ${formatBytes(bytes)}, task ${report.task}.`,
      ].join('\n'),
    );
  },
});
