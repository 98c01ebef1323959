/** What a full disk and `kill -9` leave behind: the checkpoint from before, whole. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  type Checkpoint,
  checkpointPath,
  loadCheckpoint,
  pruneCheckpoints,
  saveCheckpoint,
} from '../../src/checkpoint/index.js';
import { HiperceiverError } from '../../src/errors/index.js';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'hip-crash-'));
});
afterEach(() => rmSync(run, { recursive: true }));

function checkpoint(step: number, elements = 1000): Checkpoint {
  const tensors = () =>
    new Map([['w', { dtype: 'F32' as const, shape: [elements], data: new Float32Array(elements).fill(step) }]]);
  return { config: { model_type: 'hip' }, parameters: tensors(), optimizer: tensors(), trainer: { step } };
}

/** Whole and of one piece: every part is of the same step, which is returned. */
async function loadedStep(path: string): Promise<number> {
  const { parameters, optimizer, trainer } = await loadCheckpoint(path);
  const step = trainer?.step as number;
  for (const part of [parameters, optimizer]) assert(part?.get('w')?.data.every((value) => value === step));
  return step;
}

const modules = new URL('../../src/checkpoint/index.js', import.meta.url).href;

/** A script for another process, with `saveCheckpoint`, `checkpointPath`, `checkpoint` and `run` at hand. */
function script(body: string): string[] {
  const source = `
    import { saveCheckpoint, checkpointPath } from ${JSON.stringify(modules)};
    import fs from 'node:fs/promises';
    import { syncBuiltinESMExports } from 'node:module';
    ${checkpoint.toString()}
    const run = ${JSON.stringify(run)};
    const hang = () => { setInterval(() => {}, 1000); console.log('now'); return new Promise(() => {}); };
    ${body}`;
  return ['--input-type=module', '-e', source];
}

async function killWhenReady(body: string, delay = 0): Promise<void> {
  const child = spawn(process.execPath, script(body), { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  await new Promise((resolve) => setTimeout(resolve, delay));
  assert(child.kill('SIGKILL'), 'the child was still at work');
  await once(child, 'close');
}

test('a disk that fills up while saving: one sentence, and the earlier checkpoint is intact', async (t) => {
  await saveCheckpoint(checkpointPath(run, 1), checkpoint(1));
  const probe = await open(join(run, 'probe'), 'w');
  await probe.close();
  let room = 5000;
  const write = t.mock.method(
    Object.getPrototypeOf(probe),
    'write',
    async (_bytes: Uint8Array, _offset: number, length: number) => {
      if (room <= 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      // As the kernel does: the last write before the end of the space is a short one.
      const bytesWritten = Math.min(length, room);
      room -= bytesWritten;
      return { bytesWritten };
    },
  );
  for (const step of [2, 1]) {
    room = 5000;
    await assert.rejects(saveCheckpoint(checkpointPath(run, step), checkpoint(step)), (error: unknown) => {
      assert(error instanceof HiperceiverError);
      assert.match(
        error.message,
        new RegExp(`^The disk is full while writing .*step-0000000${step}: free space or choose another --out\\.$`),
      );
      return true;
    });
  }
  write.mock.restore();
  assert.equal(await loadedStep(run), 1);
  assert.deepEqual(readdirSync(join(run, 'checkpoints')), ['step-00000001']);
});

test('a real full disk (a 1 MiB file system in memory), where one may be mounted', (t) => {
  const disk = join(run, 'disk');
  mkdirSync(disk);
  const body = `
    const out = run + '/disk';
    await saveCheckpoint(checkpointPath(out, 1), checkpoint(1, 50_000));
    try {
      await saveCheckpoint(checkpointPath(out, 2), checkpoint(2, 100_000));
      console.log('no error');
    } catch (error) { console.log(error.name + ': ' + error.message); }
    const { readdirSync } = await import('node:fs');
    const { loadCheckpoint } = await import(${JSON.stringify(modules)});
    const { trainer, parameters } = await loadCheckpoint(out);
    console.log(readdirSync(out + '/checkpoints').join(), trainer.step, parameters.get('w').data[49_999]);`;
  // In a mount name space of its own, so that the mount goes when the process does.
  const inside = ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"', disk];
  if (spawnSync('unshare', [...inside, 'true']).status !== 0) return t.diagnostic('no file system may be mounted here');
  const { stdout, stderr } = spawnSync('unshare', [...inside, process.execPath, ...script(body)], { encoding: 'utf8' });
  const [error, state] = stdout.split('\n');
  assert.match(error, /^HiperceiverError: The disk is full while writing .*step-00000002: free space/, stderr);
  assert.equal(state, 'step-00000001 1 1');
});

test('kill -9 before a new checkpoint is complete: the one before is loaded, the rest is cleared away', async () => {
  await saveCheckpoint(checkpointPath(run, 1), checkpoint(1));
  await killWhenReady(`
    const probe = await fs.open(run + '/probe', 'w');
    Object.getPrototypeOf(probe).sync = hang;
    await saveCheckpoint(checkpointPath(run, 2), checkpoint(2));`);
  assert.equal(readdirSync(join(run, 'checkpoints')).length, 2, 'the killed process left its temporary');
  assert.equal(await loadedStep(run), 1);
  await pruneCheckpoints(run, 3);
  assert.deepEqual(readdirSync(join(run, 'checkpoints')), ['step-00000001']);
});

test('kill -9 between the two renames of a replacement: the replaced one is loaded', async () => {
  await saveCheckpoint(checkpointPath(run, 1), checkpoint(1));
  await killWhenReady(`
    const rename = fs.rename;
    fs.rename = (from, to) => from.endsWith('.tmp') ? hang() : rename(from, to);
    syncBuiltinESMExports();
    await saveCheckpoint(checkpointPath(run, 1), checkpoint(2));`);
  assert.equal(existsSync(checkpointPath(run, 1)), false);
  assert.equal(await loadedStep(run), 1);
  assert.equal(await loadedStep(checkpointPath(run, 1)), 1);
  await saveCheckpoint(checkpointPath(run, 1), checkpoint(3));
  await pruneCheckpoints(run, 1);
  assert.equal(await loadedStep(run), 3);
  assert.deepEqual(readdirSync(join(run, 'checkpoints')), ['step-00000001']);
});

test('kill -9 at any moment of repeated saving leaves a whole checkpoint', async () => {
  for (const delay of [0, 3, 11, 29]) {
    rmSync(join(run, 'checkpoints'), { recursive: true, force: true });
    await killWhenReady(
      `await saveCheckpoint(checkpointPath(run, 1), checkpoint(1, 200_000));
       console.log('now');
       for (let step = 2; ; step++) await saveCheckpoint(checkpointPath(run, 1), checkpoint(step, 200_000));`,
      delay,
    );
    assert((await loadedStep(run)) >= 1);
  }
});
