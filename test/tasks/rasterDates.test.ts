/** Rasters of several dates as frames: read date by date, told when each was taken, learned by SatMAE, drawn as strips. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoader, formatNpy, openData } from '../../src/data/index.js';
import { createEngine } from '../../src/engine/index.js';
import { keyFrom, uniform } from '../../src/random/index.js';
import { loadModel, openDataOf } from '../../src/tasks/index.js';
import { describeModel, modalitiesOf, pretrain, resolveRecipe } from '../../src/training/index.js';
import { recipeReader } from '../../src/training/recipeReader.js';
import { reconstructionPictures } from '../../src/visualize/index.js';
import { folderOf } from '../data/fixtures.js';
import { newRun } from '../training/tiny.js';

const [DATES, BANDS, SIDE] = [3, 4, 32];
const MOMENTS = ['2015-08-20', '2016-01-03T10:45', '2015-07-11'];

/** One raster `[dates, bands, H, W]` of bytes; `value` says which. */
const raster = (value: (date: number, band: number, pixel: number) => number) => {
  const area = SIDE * SIDE;
  const data = Uint8Array.from({ length: DATES * BANDS * area }, (_, i) => {
    const plane = Math.floor(i / area);
    return value(Math.floor(plane / BANDS), plane % BANDS, i % area);
  });
  return folderOf({ 'bands.npy': Buffer.from(formatNpy({ shape: [DATES, BANDS, SIDE, SIDE], data })) });
};

const recipeOf = (path: string, dates: string[], further = {}) =>
  resolveRecipe({
    name: 'dates',
    data: { path, imageSize: 16, crop: 'none', flip: false, workers: 0 },
    bands: { dates, scale: 1 },
    model: { name: 'satmae', variant: 'times-tiny', config: { patch: [8, 8] } },
    masking: { scheme: 'uniform', ratio: 0.75 },
    ...further,
  });

test('every date becomes a frame, its bands side by side, and the model is told when it was', async () => {
  const path = await raster((date, band) => 10 * date + band);
  const dataset = await openData(path, { split: 'train', kind: 'bands' });
  const recipe = recipeOf(path, MOMENTS);
  const reader = await recipeReader(recipe, dataset);
  const modalities = modalitiesOf(reader);
  assert.deepEqual(modalities, [{ name: 'bands', indexShape: [DATES, 16, 16], channels: BANDS }]);
  const loader = createLoader(dataset, { reader, batchSize: 1, shuffle: false, key: keyFrom(1) });
  const { bands } = (await loader.next())!.signals;
  await loader.close();
  assert.ok(reader.kind === 'bands');
  for (const at of [0, 5, 255, 256, 600, 767])
    for (let band = 0; band < BANDS; band++) {
      const wanted = (10 * Math.floor(at / 256) + band - reader.mean[0]) / reader.std[0];
      assert.ok(Math.abs(bands[at * BANDS + band] - wanted) < 1e-5, `element ${at}, band ${band}`);
    }
  assert.deepEqual(describeModel(recipe, modalities, reader).config.timestamps, [
    [13, 7, 0],
    [14, 0, 10],
    [13, 6, 0],
  ]);
});

test('dates that are none, or not all, are refused in a sentence', async () => {
  const path = await raster(() => 1);
  for (const wrong of ['2015-02-30', '2015-8-20', 'August', '2015-08-20T25:00'])
    assert.throws(() => recipeOf(path, [wrong]), /bands\.dates must be a list of dates such as 2015-08-20/, wrong);
  const typed = resolveRecipe({}, { 'bands.dates': '2015-08-20,2015-09-09' });
  assert.deepEqual(typed.bands.dates, ['2015-08-20', '2015-09-09']);
  const dataset = await openData(path, { split: 'train', kind: 'bands' });
  await assert.rejects(
    recipeReader(recipeOf(path, MOMENTS.slice(1)), dataset),
    /bands\.dates names 2 dates, but the rasters of ".*" have 3: name them all, or none/,
  );
});

test('SatMAE learns from them, its run is loaded again, and strips of dates are drawn', async () => {
  const noise = uniform(keyFrom(3), DATES * BANDS * SIDE * SIDE);
  const path = await raster((date, band, pixel) => 256 * noise[((date * BANDS + band) * SIDE + (pixel % SIDE)) % 999]);
  const out = newRun();
  await using engine = await createEngine({ device: 'cpu', threads: 1 });
  const training = { batchSize: 2, steps: 3, threads: 1, checkpointEvery: 0, out };
  await pretrain(recipeOf(path, MOMENTS, { training }), { engine, quiet: true });
  const model = await loadModel(out);
  assert.deepEqual(model.description.config.timestamps, [
    [13, 7, 0],
    [14, 0, 10],
    [13, 6, 0],
  ]);
  const { modalities, size } = await reconstructionPictures(
    model,
    await openDataOf(model),
    model.recipe!.masking,
    engine,
    {
      count: 2,
    },
  );
  assert.deepEqual(Object.keys(modalities), ['bands']);
  // Seen, made and true, of every date.
  assert.equal(modalities.bands.figure.toSvg().match(/<image/g)?.length, 3 * DATES * size);
});
