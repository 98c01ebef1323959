/** Scenes larger than a model's input: every pixel is answered once, by the tile whose middle is nearest. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sceneTiles } from '../../src/data/bands/index.js';
import type { Reader } from '../../src/data/index.js';
import { formatNpy } from '../../src/data/npy.js';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { fold, keyFrom, normal, uniform } from '../../src/random/index.js';
import { exportGraph, Mosaic, openScene, predictSegments } from '../../src/tasks/index.js';
import { describeModel, modalitiesOf } from '../../src/training/index.js';
import { tinyRecipe } from '../training/tiny.js';

const scratch = mkdtempSync(join(tmpdir(), 'hip-scenes-'));
let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
after(async () => {
  await engine.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

const READER = {
  ...{ kind: 'bands', imageSize: [8, 8], bands: 3, crop: 'none', flip: false, mean: [0.5], std: [0.25] },
} as const satisfies Reader;

/** A raster file of random bytes `[height, width, 3]`. */
function raster(name: string, height: number, width: number): string {
  const data = Uint8Array.from(uniform(fold(keyFrom(1), name), height * width * 3), (x) => Math.floor(x * 256));
  const path = join(scratch, name);
  writeFileSync(path, formatNpy({ shape: [height, width, 3], data }));
  return path;
}

test('tiles cover a scene, each pixel answered once, and by one in whose middle it lies', () => {
  for (const [height, width, stride] of [
    [20, 37, 4],
    [16, 16, 4],
    [17, 8, 8],
    [8, 8, 3],
    [31, 9, 5],
  ]) {
    const counts = new Uint8Array(height * width);
    for (const { window, answers } of sceneTiles({ height, width }, [8, 8], [stride, stride])) {
      assert.ok(window.top + 8 <= height && window.left + 8 <= width);
      const isInner = window.top > 0 && window.top + 8 < height;
      if (isInner) assert.ok(answers.height <= stride, `${answers.height} rows of a tile every ${stride}`);
      for (let y = answers.top; y < answers.top + answers.height; y++)
        for (let x = answers.left; x < answers.left + answers.width; x++) {
          counts[y * width + x]++;
          assert.ok(y >= window.top && y < window.top + 8 && x >= window.left && x < window.left + 8);
        }
    }
    assert.ok(counts.every((count) => count === 1));
  }
});

test('a scene seen through its tiles is the scene', async () => {
  const scene = await openScene(raster('whole.npy', 21, 13), READER, 0.5);
  assert.ok(scene);
  const mosaic = new Mosaic(scene, 3);
  const whole = await openScene(raster('whole.npy', 21, 13), { ...READER, imageSize: [21, 12] }, 0);
  assert.ok(whole);
  for await (const { tiles, batch } of scene.batches(5))
    for (const [i, tile] of tiles.entries()) mosaic.place(tile, batch.signals.bands.subarray(i * 192, (i + 1) * 192));
  for await (const { tiles, batch } of whole.batches(1)) {
    const [{ window }] = tiles;
    for (let y = 0; y < 21; y++)
      for (let i = 0; i < 36; i++)
        assert.equal(mosaic.values[(y * 13 + window.left) * 3 + i], batch.signals.bands[y * 36 + i]);
  }
  assert.equal(await openScene(raster('small.npy', 8, 8), READER), undefined);
  assert.equal(await openScene(raster('narrow.npy', 30, 7), READER), undefined);
  assert.equal(await openScene(join(scratch, 'none.npy'), READER), undefined);
});

test('the labels of a scene are those that its tiles get by themselves', async () => {
  const recipe = tinyRecipe('', { model: { config: { numGroups: [2, 1, 2], zIndexDim: [4, 4, 4] } } });
  const description = {
    ...describeModel(recipe, modalitiesOf(READER), READER),
    classes: ['water', 'forest', 'field'],
    task: 'segmentation' as const,
  };
  const parameters = new Map(
    [...exportGraph(description, { task: 'segment' }).scope.needs.parameters.values()].map(({ name, shape }) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return [name, normal(fold(keyFrom(1), name), size)];
    }),
  );
  const model = { path: 'random', description, parameters };
  const file = raster('scene.npy', 12, 20);
  const found = [];
  for await (const { segmentations } of predictSegments(model, [file, raster('tile.npy', 8, 8)], engine))
    found.push(...segmentations);
  const [scene, tile] = found;
  assert.deepEqual(scene.shape, [12, 20]);
  assert.equal(scene.labels.length, 240);
  assert.equal(tile.labels.length, 64);
  assert.ok(Math.abs(scene.shares.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-6);

  // The first tile alone: its labels stand where it answers.
  const { signals } = scene;
  const values = new Float32Array(192);
  for (let y = 0; y < 8; y++) values.set(signals.bands.subarray(y * 60, y * 60 + 24), y * 24);
  const alone = Uint8Array.from(values, (value) => Math.round((value * 0.25 + 0.5) * 255));
  const path = join(scratch, 'first.npy');
  writeFileSync(path, formatNpy({ shape: [8, 8, 3], data: alone }));
  for await (const { segmentations } of predictSegments(model, [path], engine))
    for (let y = 0; y < 6; y++)
      assert.deepEqual(scene.labels.subarray(y * 20, y * 20 + 6), segmentations[0].labels.subarray(y * 8, y * 8 + 6));
});
