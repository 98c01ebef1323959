/** Exported files in each precision, what they cost, and how fast they are. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openImages } from '../../src/data/index.js';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import {
  type ExportPrecision,
  type ExportTask,
  exportAccuracy,
  exportGraph,
  exportOnnx,
  type LoadedModel,
  measureLatency,
  PRECISIONS,
} from '../../src/tasks/index.js';
import { OnnxFile } from '../../src/tasks/onnxFile.js';
import { describeModel } from '../../src/training/index.js';
import { pictureFolder, tinyRecipe } from '../training/tiny.js';

const scratch = mkdtempSync(join(tmpdir(), 'hip-export-'));
const path = (name: string) => join(scratch, name);
let engine: Engine;
let images: string;
before(async () => {
  [engine, images] = [await createEngine({ device: 'cpu', threads: 1 }), await pictureFolder()];
});
after(async () => {
  await engine.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

/** A HiP on images of 8 x 8 x 3 with random weights, wide enough for int8; two classes where wanted. */
function randomModel({ classes, input = 'drop' }: { classes?: string[]; input?: 'drop' | 'zero' } = {}): LoadedModel {
  const recipe = tinyRecipe('', {
    model: { config: { numGroups: [2, 1, 2], zIndexDim: [8, 8, 8], numZChannels: [32, 64, 32] } },
    masking: { input },
  });
  const modality = { name: 'image', indexShape: [8, 8], channels: 3 };
  const description = {
    ...describeModel(recipe, [modality], {
      kind: 'image',
      imageSize: [8, 8],
      channels: 3,
      crop: 'center',
      flip: false,
      mean: [0.5],
      std: [0.25],
    }),
    classes,
  };
  const parameters = new Map<string, Float32Array>();
  for (const task of classes ? (['classify'] as const) : (['features', 'reconstruct'] as const)) {
    const { needs } = exportGraph(description, { task, masking: recipe.masking }).scope;
    for (const { name, shape } of needs.parameters.values()) {
      const size = shape.reduce((product, n) => product * n, 1);
      parameters.set(
        name,
        normal(fold(keyFrom(1), name), size).map((v) => v / Math.sqrt(shape.length > 1 ? shape[0] : 10)),
      );
    }
  }
  return { path: 'random', description, parameters, recipe };
}

/** Largest relative error of the results. */
const limits: Record<ExportPrecision, number> = { fp32: 1e-5, fp16: 5e-3, int8: 5e-2 };

const exportsOf: [ExportTask, ExportPrecision[]][] = [
  ['features', ['fp32', 'fp16', 'int8']],
  ['classify', ['int8']],
  ['reconstruct', ['fp16', 'int8']],
];
for (const [task, precisions] of exportsOf) {
  test(`${task} in ${precisions.join(', ')} is smaller and close to the model`, async () => {
    const model = randomModel({ classes: task === 'classify' ? ['0', '1'] : undefined });
    const dataset = await openImages(images, { split: 'train' });
    for (const precision of precisions) {
      const file = path(`${task}-${precision}.onnx`);
      const options = { task, precision, batchSize: 4 };
      const report = await exportOnnx(model, file, engine, options);
      assert.equal(report.metadata.precision, precision);
      assert.ok(report.weights.bytes <= { fp32: 1, fp16: 0.6, int8: 0.6 }[precision] * report.weights.fp32);
      const accuracy = await exportAccuracy(model, file, engine, dataset, options);
      assert.equal(accuracy.images, dataset.size);
      assert.ok(accuracy.relativeError < limits[precision], `${precision}: ${accuracy.relativeError}`);
      assert.ok(precision === 'fp32' || accuracy.relativeError > 0);
      assert.ok(accuracy.cosine > 0.998 && accuracy.cosine < 1 + 1e-6);
      if (task === 'classify') {
        assert.ok(accuracy.agreement! >= 0.7);
        assert.ok(Math.abs(accuracy.top1!.model - accuracy.top1!.file) <= 1 - accuracy.agreement! + 1e-9);
      } else assert.equal(accuracy.top1, undefined);
    }
  });
}

test('reconstruction from images whose masked inputs are zero works in fp16, with large weights in a file of their own', async () => {
  const model = randomModel({ input: 'zero' });
  const report = await exportOnnx(model, path('zero.onnx'), engine, {
    task: 'reconstruct',
    precision: 'fp16',
    externalAbove: 1000,
  });
  assert.deepEqual(report.files, [path('zero.onnx'), path('zero.onnx.data')]);
  assert.ok(Object.keys(report.inputs).includes('mask'));
});

test('a file with the normalisation inside takes raw pixels, and costs as little', async () => {
  const model = randomModel();
  const options = { task: 'features', precision: 'int8', embedNormalization: true } as const;
  await exportOnnx(model, path('raw.onnx'), engine, options);
  const accuracy = await exportAccuracy(
    model,
    path('raw.onnx'),
    engine,
    await openImages(images, { split: 'train' }),
    options,
  );
  assert.ok(accuracy.relativeError < limits.int8);
});

test('int8 is refused where no matrix is large enough, and nothing is left behind', async () => {
  const model = randomModel();
  const recipe = tinyRecipe('');
  const small = {
    ...model,
    description: {
      ...model.description,
      config: describeModel(recipe, model.description.modalities).config,
    },
  };
  const { needs } = exportGraph(small.description).scope;
  const parameters = new Map(
    [...needs.parameters.values()].map(({ name, shape }) => [name, new Float32Array(shape.reduce((p, n) => p * n, 1))]),
  );
  const before = readdirSync(scratch);
  await assert.rejects(
    exportOnnx({ ...small, parameters }, path('small.onnx'), engine, { precision: 'int8' }),
    /no weight matrix large enough for int8 .*--precision fp16 or fp32\.$/,
  );
  assert.deepEqual(readdirSync(scratch), before);
});

test('latency times files side by side', async () => {
  const model = randomModel();
  const subjects = [];
  for (const precision of PRECISIONS) {
    const file = path(`latency-${precision}.onnx`);
    await exportOnnx(model, file, engine, { precision, batchSize: 2 });
    subjects.push({ path: file, name: precision });
  }
  const results = await measureLatency(subjects, { runs: 12, threads: 1 });
  assert.deepEqual(
    results.map(({ name }) => name),
    PRECISIONS,
  );
  for (const { runs, batchSize, fastest, median, p90, imagesPerSecond, peakMemory, fileSize } of results) {
    assert.deepEqual([runs, batchSize], [12, 2]);
    assert.ok(fastest > 0 && fastest <= median && median <= p90);
    assert.ok(Math.abs(imagesPerSecond - 2000 / median) < 1e-6);
    assert.ok(peakMemory > 1e7 && fileSize > 1e4);
  }
});

test('a file that ONNX Runtime cannot load gives one sentence with its name', async () => {
  writeFileSync(path('broken.onnx'), 'no model');
  for (const name of ['broken.onnx', 'missing.onnx']) {
    await assert.rejects(OnnxFile.open(path(name)), (error: Error) => {
      assert.ok(error.message.startsWith(`ONNX Runtime cannot run ${path(name)}: `) && !error.message.includes('\n'));
      return true;
    });
  }
  assert.ok(!existsSync(path('missing.onnx')));
});
