/** Models of any signals as ONNX files: names, axes and what of them is real. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { partialSignals, type Reader } from '../../src/data/index.js';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { type ExportTask, exportGraph, exportOnnx, type LoadedModel } from '../../src/tasks/index.js';
import { OnnxFile } from '../../src/tasks/onnxFile.js';
import { describeModel, modalitiesOf, type Recipe } from '../../src/training/index.js';
import { tinyRecipe } from '../training/tiny.js';

const scratch = mkdtempSync(join(tmpdir(), 'hip-export-signals-'));
let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
after(async () => {
  await engine.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

const UNITS = { mean: [0.5], std: [0.25] };
const SOUND = { rate: 100, samples: 48, channels: 1, mean: [0], std: [0.5] };
const CLIP = { frames: 2, frameRate: 1, imageSize: [4, 4], crop: 'none', flip: false, start: 'start' } as const;
const readers = {
  sound: { kind: 'audio', ...SOUND, patch: 2 },
  points: { kind: 'points', points: 32, channels: 3 },
  raster: { kind: 'bands', imageSize: [8, 8], bands: 5, crop: 'none', flip: false, ...UNITS, labels: {} },
  clip: { kind: 'video', ...CLIP, ...UNITS, sound: { ...SOUND, samples: 32 } },
} satisfies Record<string, Reader>;

/** A HiP with random weights for what a reader makes. */
function randomModel(reader: Reader, task: ExportTask, masking: Partial<Recipe['masking']> = {}): LoadedModel {
  const recipe = tinyRecipe('', {
    model: { config: { numGroups: [2, 1, 2], zIndexDim: [4, 4, 4], numZChannels: [8, 16, 8] } },
    masking,
  });
  const kinds = { classify: 'classification', segment: 'segmentation', features: undefined, reconstruct: undefined };
  const description = {
    ...describeModel(recipe, modalitiesOf(reader), reader, partialSignals(reader)),
    ...(kinds[task] ? { classes: ['a', 'b', 'c'], task: kinds[task] as 'classification' } : {}),
  };
  const { needs } = exportGraph(description, { task, masking: recipe.masking }).scope;
  const parameters = new Map(
    [...needs.parameters.values()].map(({ name, shape }) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return [name, normal(fold(keyFrom(1), name), size).map((v) => v / Math.sqrt(shape[0]))];
    }),
  );
  return { path: 'random', description, parameters, recipe };
}

const cases: [keyof typeof readers, ExportTask, Record<string, number[]>, Record<string, number[]>][] = [
  ['sound', 'classify', { audio: [2, 24, 2], 'valid/audio': [2, 24] }, { logits: [2, 3], probabilities: [2, 3] }],
  ['points', 'features', { points: [2, 32, 3] }, { features: [2, 16] }],
  ['raster', 'segment', { bands: [2, 8, 8, 5] }, { logits: [2, 8, 8, 3], labels: [2, 8, 8] }],
  ['sound', 'reconstruct', { audio: [2, 24, 2], 'valid/audio': [2, 24] }, { reconstruction: [2, 24, 2] }],
  [
    'clip',
    'reconstruct',
    { video: [2, 2, 4, 4, 3], audio: [2, 32, 1], 'valid/audio': [2, 32] },
    { 'reconstruction/video': [2, 2, 4, 4, 3], 'reconstruction/audio': [2, 32, 1] },
  ],
];
for (const [signal, task, inputs, outputs] of cases) {
  test(`${task} of a ${signal} gives the model's results in another process`, async () => {
    const model = randomModel(readers[signal], task);
    const path = join(scratch, `${signal}-${task}.onnx`);
    for (const embedNormalization of [false, true]) {
      const report = await exportOnnx(model, path, engine, { task, batchSize: 2, embedNormalization });
      assert.ok(report.relativeDifference < 1e-4, `${report.relativeDifference}`);
      const own = Object.entries(report.inputs).filter(([name]) => !name.startsWith('visible'));
      assert.deepEqual(Object.fromEntries(own.map(([name, { shape }]) => [name, shape])), inputs);
      const made = Object.entries(report.outputs).map(([name, { shape }]) => [name, shape]);
      assert.deepEqual(Object.fromEntries(made), outputs);
    }
  });
}

test('padding is read by nothing, and a modality that is hidden altogether is made from the others', async () => {
  const path = join(scratch, 'hidden.onnx');
  const model = randomModel(readers.clip, 'reconstruct', { ratio: { video: 0.5, audio: 1 } });
  const { inputs, metadata } = await exportOnnx(model, path, engine, { task: 'reconstruct' });
  assert.deepEqual(Object.keys(inputs).sort(), ['video', 'visible/video'], 'what is not looked at is not asked for');
  assert.equal(metadata['hidden.audio'], 'audio: all of it');

  const sound = randomModel(readers.sound, 'classify');
  const report = await exportOnnx(sound, join(scratch, 'padded.onnx'), engine, { task: 'classify' });
  await using file = await OnnxFile.open(report.files[0]);
  const real = Float32Array.from({ length: 24 }, (_, i) => Number(i < 10));
  const run = async (beyond: number) => {
    const values = normal(keyFrom(2), 48).map((value, i) => (i < 20 ? value : beyond));
    const { logits } = await file.run({
      audio: { type: 'float32', shape: [1, 24, 2], data: values },
      'valid/audio': { type: 'float32', shape: [1, 24], data: real },
    });
    return [...logits];
  };
  assert.deepEqual(await run(0), await run(7));
});
