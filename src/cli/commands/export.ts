import type { Dataset } from '../../data/index.js';
import { ensure, HiperceiverError } from '../../errors/index.js';
import {
  type ExportAccuracy,
  type ExportReport,
  exportAccuracy,
  exportOnnx,
  exportWeights,
  type LoadedModel,
  loadModel,
  openDataOf,
  type WeightsReport,
} from '../../tasks/index.js';
import { defineCommand } from '../command.js';
import { describeSkipped } from '../describe/skipped.js';
import { exportTask, precision, taskOption } from '../exportOptions.js';
import { ensureOurs } from '../importAs.js';
import { checkpointArgument, countOption, dataOption, splitOption, startEngine } from '../modelOptions.js';
import { formatBytes, formatShape, formatShare, plural } from '../quantities.js';
import { formatTable } from '../table.js';
import { progressWatch } from '../watch.js';

/** `hip export`: a file for inference that ONNX Runtime loads without this program, or a folder for other programs. */
export const command = defineCommand({
  name: 'export',
  summary: 'Write a model as an ONNX file for inference anywhere, or as other programs keep it',
  usage: 'CHECKPOINT [--out ONNX | --layout NAME --out DIR] [options]',
  description:
    'Plain ONNX (operator set 18) with the weights inside; very large weights lie in a second file beside it. Any signals: ' +
    'each is an input with its own axes, `valid/NAME` says what of it is real where some may be short or missing. Classes, ' +
    'means, deviations and layouts stand in its metadata. The file is loaded with plain ONNX Runtime and ' +
    'compared with the model before it is put in its place. In fp16 and int8, what that costs is then measured on real ' +
    'examples: accuracy where they have labels, else the error of the features or reconstructions. With --layout the ' +
    'weights are written under the names of another program instead, as hip import reads them: hf, timm, original, …',
  options: {
    out: { type: 'string', placeholder: 'PATH', help: 'the file (default: model.onnx), or the folder for --layout' },
    layout: {
      type: 'string',
      placeholder: 'NAME',
      help: 'write a folder as this program keeps it: hf, timm, original',
    },
    task: taskOption,
    precision: {
      type: 'string',
      default: 'fp32',
      help: 'fp32; fp16 (half the size, for GPUs); int8 (a quarter of the size, faster on CPUs)',
    },
    batchSize: { type: 'number', default: 1, help: 'examples at a time' },
    embedNormalization: {
      type: 'boolean',
      help: 'take values as they are read (pixels of 0 to 1): mean and deviation become part of the file',
    },
    data: { ...dataOption, help: 'data to measure the accuracy on (default: those that the model was trained on)' },
    split: splitOption,
    limit: { type: 'number', default: 1000, help: 'measure on at most so many examples' },
  },
  positionals: [checkpointArgument],
  examples: [
    'hip export runs/first-finetune --out classifier.onnx --embed-normalization',
    'hip export runs/first-finetune --precision int8 --data photos --out classifier-int8.onnx',
    'hip export runs/first --task features --batch-size 16 --out encoder.onnx',
    'hip export runs/first --task reconstruct --out autoencoder.onnx',
    'hip export runs/vit-finetune --layout hf --out vit-for-transformers',
  ],
  run: async ({ positionals, options, quiet, output }) => {
    const { embedNormalization, layout, out = 'model.onnx' } = options;
    if (layout !== undefined) {
      ensure(options.out !== undefined, () => 'Say with --out which folder is to be written.');
      await ensureOurs(out);
      const written = await exportWeights(await loadModel(positionals[0]), layout, out);
      output.result(written, () => describeWeights(written, out));
      return;
    }
    const settings = {
      task: exportTask(options.task),
      precision: precision(options.precision),
      batchSize: countOption('--batch-size', options.batchSize),
      embedNormalization,
    };
    const limit = countOption('--limit', options.limit);
    const model = await loadModel(positionals[0]);
    // Before the work, so that images which cannot be opened are known at once.
    const wanted = options.data !== undefined || settings.precision !== 'fp32';
    const images = wanted ? await imagesFor(model, { ...options, limit }) : undefined;
    await using engine = await startEngine('cpu');
    const report = await exportOnnx(model, out, engine, settings);
    const accuracy =
      images && (await exportAccuracy(model, report.files[0], engine, images, settings, progressWatch(quiet)));
    output.result({ ...report, accuracy }, () =>
      [
        ...describeFile(report),
        ...(accuracy ? describeAccuracy(accuracy, report) : []),
        ...(wanted && !accuracy ? ['What it costs on real examples was not measured: name some with --data.'] : []),
      ].join('\n'),
    );
  },
});

/** The images to measure on; none where the model does not say, or its data are not here, unless they were asked for. */
async function imagesFor(
  model: LoadedModel,
  { data, split, limit }: { data?: string; split: string; limit: number },
): Promise<Dataset | undefined> {
  try {
    return await openDataOf(model, { path: data, split, limit });
  } catch (error) {
    if (data === undefined && error instanceof HiperceiverError) return undefined;
    throw error;
  }
}

function describeWeights({ of, form, tensors, values, files }: WeightsReport, out: string): string {
  const forms = {
    pretraining: 'encoder and decoder',
    encoder: 'encoder',
    classes: 'classifier',
    segmentation: 'segmenter',
  };
  return [
    `${plural(tensors, 'tensor')} (${formatBytes(4 * values)}) under the names of ${of}: ${forms[form]}.`,
    ...files,
    '',
    'Next:',
    `  hip import ${out}`,
  ].join('\n');
}

function describeFile(report: ExportReport): string[] {
  const { files, bytes, inputs, outputs, largestDifference, relativeDifference, precision, weights } = report;
  const smaller =
    precision === 'fp32' ? '' : ` (weights ${formatBytes(weights.bytes)}; in fp32 ${formatBytes(weights.fp32)})`;
  return [
    formatTable([
      ...Object.entries(inputs).map(([name, { dtype, shape }]) => ['input', name, dtype, formatShape(shape)]),
      ...Object.entries(outputs).map(([name, { dtype, shape }]) => ['output', name, dtype, formatShape(shape)]),
    ]),
    '',
    `Plain ONNX Runtime gives ${precision === 'fp32' ? 'the same' : 'nearly the same on random values'}: largest difference ${largestDifference.toExponential(1)} (${relativeDifference.toExponential(1)} of the largest value).`,
    `${files.join(' and ')}: ${formatBytes(bytes)}, task ${report.task}, ${precision}${smaller}.`,
  ];
}

function describeAccuracy(accuracy: ExportAccuracy, { task, precision }: ExportReport): string[] {
  const { images, top1, agreement, relativeError, cosine, largestDifference, skipped } = accuracy;
  const what = { classify: 'logits', segment: 'logits', features: 'features', reconstruct: 'reconstructions' }[task];
  return [
    '',
    `On ${plural(images, 'example')}, beside the model in fp32:`,
    formatTable([
      ...(top1
        ? [
            ['top-1 of the model', formatShare(top1.model)],
            [`top-1 of the ${precision} file`, formatShare(top1.file)],
          ]
        : []),
      ...(agreement !== undefined ? [['same class', formatShare(agreement)]] : []),
      [`relative error of the ${what}`, `${(100 * relativeError).toPrecision(2)} %`],
      ['mean cosine', cosine.toFixed(6)],
      ['largest difference', largestDifference.toPrecision(3)],
    ]),
    ...describeSkipped(skipped),
  ];
}
