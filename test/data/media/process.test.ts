/** The decoder as part of a process: many threads at once, an end that comes by itself, the package missing. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { folderOf } from '../fixtures.js';
import { clipFile, greyClip, tone } from './fixtures.js';

const MEDIA = new URL('../../../src/data/media/index.js', import.meta.url).href;
const run = promisify(execFile);

function smallClip(): Promise<Uint8Array> {
  return clipFile('mp4', greyClip(10), { frameRate: 10, sound: tone(1, 16000) });
}

test('several worker threads decode side by side, twice', async () => {
  const bytes = await smallClip();
  for (let round = 0; round < 2; round++) {
    const sums = await Promise.all(
      Array.from(
        { length: 4 },
        () =>
          new Promise<number>((resolve, reject) => {
            const worker = new Worker(new URL('./decodeWorker.js', import.meta.url), { workerData: bytes });
            worker.once('message', resolve).once('error', reject);
          }),
      ),
    );
    assert.ok(sums.every((sum) => sum === sums[0] && sum > 0));
  }
});

test('a process that has decoded ends by itself, writes nothing else and leaves no file', async () => {
  const path = join(await folderOf({}), 'clip.mp4');
  const bytes = Buffer.from(await smallClip());
  bytes.fill(0x55, bytes.length - 600, bytes.length - 300); // damage, which FFmpeg would tell at length
  await writeFile(path, bytes);
  const script = `
    import { readFileSync } from 'node:fs';
    const { decodeClip, decodeSoundTrack } = await import(${JSON.stringify(MEDIA)});
    const bytes = readFileSync(${JSON.stringify(path)});
    const choose = () => ({ start: 0, frames: 4, frameRate: 8, size: [8, 8], soundSeconds: 1 });
    const { clip } = await decodeClip(bytes, choose);
    await decodeSoundTrack(bytes);
    console.log(clip.frames.length);`;
  const TMPDIR = await folderOf({});
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 20000,
    env: { ...process.env, TMPDIR },
  });
  assert.equal(stdout, '768\n');
  assert.equal(stderr, '');
  assert.deepEqual(await readdir(TMPDIR), []);
});

test('without the package the way out is told', async () => {
  const hook = `export async function resolve(name, context, next) {
    if (name.startsWith('node-av')) throw Object.assign(new Error('gone'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  }`;
  const script = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));
    const { decodeSoundTrack } = await import(${JSON.stringify(MEDIA)});
    await decodeSoundTrack(new Uint8Array(100)).catch((error) => console.log(error.name, error.message));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { timeout: 20000 });
  assert.match(stdout, /^HiperceiverError .*need the package node-av: run npm install node-av/);
});
