/** The same recipe trains alike on every device: masks, draws and data order come from the key, not from the device. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { DeviceName } from '../../src/engine/index.js';
import { pretrain, readMetrics } from '../../src/training/index.js';
import { testDevices } from '../engine/devices.js';
import { newRun, pictureFolder, randomModel, tinyRecipe } from './tiny.js';

const devices = await testDevices();
let pictures: string;
let expected: number[];

async function losses(device: DeviceName): Promise<number[]> {
  const out = newRun();
  await pretrain(
    tinyRecipe(pictures, { model: randomModel, training: { out, device, steps: 4, emaDecay: 0.9, accumulation: 2 } }),
    { quiet: true },
  );
  return (await readMetrics(join(out, 'metrics.jsonl'))).map((record) => record.loss as number);
}

before(async () => {
  pictures = await pictureFolder();
  expected = await losses('cpu');
  assert.equal(expected.length, 4);
  assert(expected.every((loss, i) => Number.isFinite(loss) && loss !== expected[i - 1]));
});

for (const { device, skip } of [...devices, { device: 'reference' as const, skip: false }]) {
  test(`4 steps of pre-training on ${device} give the CPU's losses`, { skip }, async () => {
    const got = await losses(device);
    got.forEach((loss, i) => assert(Math.abs(loss - expected[i]) < 1e-4, `step ${i + 1}: ${loss}, not ${expected[i]}`));
  });
}
