/** The whole trainer's memory over many steps: decoding threads, engine, logs and checkpoints together. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folderOf, picture } from '../data/fixtures.js';
import { newRun } from './tiny.js';

const child = fileURLToPath(new URL('./memoryChild.js', import.meta.url));
const MB = 1e6;

test('memory is flat from step 50 to step 200 of a run on JPEGs, with checkpoints on the way', async () => {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 12; i++) files[`${i}.jpg`] = await picture(i, 96, 128, 'jpeg');
  const output = execFileSync(process.execPath, [child, await folderOf(files), newRun()], { encoding: 'utf8' });
  const { early, late } = JSON.parse(output) as Record<string, number>;
  const growth = late - early;
  assert(growth < 30 * MB, `grew by ${(growth / MB).toFixed(0)} MB from ${(early / MB).toFixed(0)} MB`);
});
