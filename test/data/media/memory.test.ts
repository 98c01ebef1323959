/** What is native is given back. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { decodeClip } from '../../../src/data/media/index.js';
import { sharedData } from '../fixtures.js';
import { clipFile, greyClip, tone } from './fixtures.js';

test('memory stays flat over 200 clips', async () => {
  const faces = sharedData('grid/test/s1');
  const bytes = faces
    ? await readFile(join(faces, (await readdir(faces))[0]))
    : await clipFile('mp4', greyClip(10), { frameRate: 10, sound: tone(1, 16000) });
  const decode = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await decodeClip(bytes, () => ({ start: 0, frames: 4, frameRate: 8, size: [64, 64], soundSeconds: 0.5 }));
    }
    return process.memoryUsage().rss;
  };
  const before = await decode(60);
  const growth = (await decode(200)) - before;
  assert.ok(growth < 30e6, `grew by ${(growth / 1e6).toFixed(1)} MB`);
});
