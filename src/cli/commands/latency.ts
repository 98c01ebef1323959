import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ensure } from '../../errors/index.js';
import {
  type ExportPrecision,
  type ExportTask,
  exportOnnx,
  type Latency,
  type LatencySubject,
  loadModel,
  measureLatency,
} from '../../tasks/index.js';
import { defineCommand } from '../command.js';
import { exportTask, precision, taskOption } from '../exportOptions.js';
import { checkpointArgument, countOption, startEngine } from '../modelOptions.js';
import { formatBytes } from '../quantities.js';
import { formatTable } from '../table.js';
import { progressWatch } from '../watch.js';

/** `hip latency`: how long exported models take to answer. */
export const command = defineCommand({
  name: 'latency',
  summary: 'Time a model as exported in fp32, fp16 and int8, or ONNX files, side by side',
  usage: 'CHECKPOINT|FILE.onnx… [--batch-size 1,8] [options]',
  description:
    'Each file runs in plain ONNX Runtime on the CPU, in a process of its own, in turns with the others, on random inputs. ' +
    'A checkpoint is exported to a temporary folder first. A file keeps the batch that it was exported for.',
  options: {
    batchSize: { type: 'strings', default: ['1', '8'], help: 'images at a time, comma-separated' },
    precision: { type: 'strings', default: ['fp32', 'fp16', 'int8'], help: 'of a checkpoint, comma-separated' },
    task: taskOption,
    runs: { type: 'number', help: 'runs of each file (default: about 5 s of them, 5 to 100)' },
    threads: { type: 'number', help: 'threads of a run (default: the number of cores)' },
  },
  positionals: [
    { ...checkpointArgument, help: 'checkpoint or run folder, .safetensors file, or .onnx file', many: true },
  ],
  examples: [
    'hip latency runs/first-finetune',
    'hip latency runs/first --task features --batch-size 1,8,32 --runs 30',
    'hip latency fp32.onnx int8.onnx --threads 1 --json',
  ],
  run: async ({ positionals, options, quiet, output }) => {
    const sizes = options.batchSize.map((typed) => countOption('--batch-size', Number(typed)));
    const settings = { task: exportTask(options.task), precisions: options.precision.map(precision), sizes };
    const watch = progressWatch(quiet);
    const timing = {
      runs: countOption('--runs', options.runs),
      threads: countOption('--threads', options.threads),
      watch,
    };
    const folder = await mkdtemp(join(tmpdir(), 'hip-latency-'));
    try {
      const results: Latency[] = [];
      // One batch size at a time: all files of a size are in memory together.
      for (const subjects of await subjectsOf(positionals, folder, settings)) {
        results.push(...(await measureLatency(subjects, timing)));
      }
      output.result(results, () => formatTable(results.map(row), HEADER));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

interface Settings {
  task: ExportTask | 'auto';
  precisions: ExportPrecision[];
  sizes: number[];
}

/** The files to time, in the groups that are timed together; checkpoints are exported into `folder`. */
async function subjectsOf(
  paths: readonly string[],
  folder: string,
  { task, precisions, sizes }: Settings,
): Promise<LatencySubject[][]> {
  const isFile = (path: string) => path.endsWith('.onnx');
  const checkpoints = paths.filter((path) => !isFile(path));
  ensure(sizes.length > 0 && precisions.length > 0, () => 'Nothing to time: give a batch size and a precision.');
  await using engine = await startEngine('cpu');
  const models = await Promise.all(checkpoints.map((path) => loadModel(path)));
  const groups: LatencySubject[][] = [];
  for (const batchSize of sizes) {
    const group: LatencySubject[] = [];
    for (const [i, model] of models.entries()) {
      for (const precision of precisions) {
        const file = join(folder, `${i}-${precision}-${batchSize}.onnx`);
        await exportOnnx(model, file, engine, { task, precision, batchSize });
        group.push({ path: file, name: models.length > 1 ? `${basename(model.path)} ${precision}` : precision });
      }
    }
    if (group.length > 0) groups.push(group);
  }
  const files = paths.filter(isFile).map((path) => ({ path, batchSize: sizes[0] }));
  const [first = [], ...rest] = groups;
  return [[...first, ...files], ...rest];
}

const HEADER = ['file', 'batch', 'median', '90 % below', 'fastest', 'images/s', 'file size', 'peak memory', 'runs'];

function row({ name, batchSize, runs, median, p90, fastest, imagesPerSecond, fileSize, peakMemory }: Latency) {
  return [
    name,
    batchSize,
    ...[median, p90, fastest].map((time) => `${time.toPrecision(3)} ms`),
    Number(imagesPerSecond.toPrecision(3)),
    formatBytes(fileSize),
    formatBytes(peakMemory),
    runs,
  ];
}
