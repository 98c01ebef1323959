import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PeerProcess } from '../../bench/peers/peerProcess.js';
import { compareOutputs, TorchPeer } from '../../bench/peers/torch.js';
import { buildWorkload } from '../../bench/workload.js';

const tiny = () =>
  buildWorkload({ system: 'hip', variant: 'tiny', indexShape: [64], channels: 3, batch: 1, task: 'reconstruct' });

test('without an interpreter PyTorch is skipped, with a sentence that says what to do', async () => {
  const started = await TorchPeer.start(tiny(), 'no-such-python');
  assert.ok('missing' in started);
  assert.match(started.missing, /^PyTorch was skipped \(no-such-python: .+\): name an interpreter .+ --python/);
});

test('an interpreter without torch is told from a script that fails', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hip-peer-'));
  const pretend = (words: string) => {
    const path = join(folder, 'python');
    writeFileSync(path, `#!/bin/sh\necho "${words}" >&2\nexit 1\n`, { mode: 0o755 });
    return path;
  };
  try {
    const without = await TorchPeer.start(tiny(), pretend("ModuleNotFoundError: No module named 'torch'"));
    assert.ok('missing' in without && without.missing.includes("No module named 'torch'"));
    const broken = await TorchPeer.start(tiny(), pretend('KeyError: 1'));
    assert.ok('missing' in broken && /KeyError: 1.+did not expect/.test(broken.missing));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a peer answers line by line, whatever else it prints, and its last words are kept', async () => {
  const script = `
    let n = 0;
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      if (line === 'die') { console.error('Error: no more'); process.exit(3); }
      console.log('chatter');
      console.log(JSON.stringify({ n: n++, line }));
    });`;
  const started = await PeerProcess.start(process.execPath, ['-e', script], { hello: true });
  assert.ok('peer' in started);
  assert.deepEqual(started.hello, { n: 0, line: '{"hello":true}' });
  assert.deepEqual(await started.peer.ask('forward'), { n: 1, line: 'forward' });
  await assert.rejects(started.peer.ask('die'), /Error: no more/);
  await assert.rejects(started.peer.ask('forward'), /Error: no more/);
  await started.peer.close();
});

test('outputs that differ are refused', () => {
  assert.ok(compareOutputs(Float32Array.of(1, 2), Float32Array.of(1, 2.0001)) < 1e-4);
  assert.throws(() => compareOutputs(Float32Array.of(1, 2), Float32Array.of(1, 2.1)), /differ/);
  assert.throws(() => compareOutputs(Float32Array.of(1, 2), Float32Array.of(1)), /differ/);
  assert.throws(() => compareOutputs(Float32Array.of(1), Float32Array.of(Number.NaN)), /differ/);
});
