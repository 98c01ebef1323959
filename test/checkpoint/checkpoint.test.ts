import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  type Checkpoint,
  checkpointPath,
  latestCheckpoint,
  loadCheckpoint,
  pruneCheckpoints,
  readSafetensors,
  type StoredTensor,
  saveCheckpoint,
  writeSafetensors,
} from '../../src/checkpoint/index.js';
import { HiperceiverError } from '../../src/errors/index.js';
import { bits, keyFrom } from '../../src/random/index.js';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'hip-checkpoint-'));
});
afterEach(() => rmSync(run, { recursive: true }));

/** Random bits: among them NaNs, infinities and denormals. */
function anyFloats(seed: number, ...shape: number[]): StoredTensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'F32', shape, data: new Float32Array(bits(keyFrom(seed), count).slice().buffer) };
}

function sample(step = 7): Checkpoint {
  return {
    config: { model_type: 'hip', architecture: { depth: 2 } },
    parameters: new Map([
      ['encoder.weight', anyFloats(step, 30, 40)],
      ['encoder.bias', anyFloats(step + 1, 40)],
    ]),
    optimizer: new Map([
      ['encoder.weight.m', anyFloats(step + 2, 30, 40)],
      ['step', { dtype: 'I64', shape: [], data: BigInt64Array.of(9n) }],
    ]),
    ema: new Map([['encoder.weight', anyFloats(step + 3, 30, 40)]]),
    trainer: { step, seed: 3, key: [1, 2 ** 32 - 1], epoch: 1.5 },
  };
}

function assertSame(actual: Checkpoint, expected: Checkpoint): void {
  assert.deepEqual(actual.config, expected.config);
  assert.deepEqual(actual.trainer, expected.trainer);
  for (const part of ['parameters', 'optimizer', 'ema'] as const) {
    assert.deepEqual(
      [...(actual[part] ?? [])].map(([name]) => name).sort(),
      [...(expected[part] ?? [])].map(([name]) => name).sort(),
    );
    for (const [name, { dtype, shape, data }] of expected[part] ?? []) {
      const found = actual[part]?.get(name) as StoredTensor;
      assert.deepEqual([found.dtype, found.shape], [dtype, shape]);
      assert.deepEqual(Buffer.from(found.data.buffer), Buffer.from(data.buffer), `bits of ${name}`);
    }
  }
}

async function saveSteps(...steps: number[]): Promise<void> {
  for (const step of steps) await saveCheckpoint(checkpointPath(run, step), sample(step));
}

test('all parts come back, every float bit included', async () => {
  await saveCheckpoint(join(run, 'saved'), sample());
  assertSame(await loadCheckpoint(join(run, 'saved')), sample());
  assert.deepEqual(readdirSync(join(run, 'saved')).sort(), [
    'config.json',
    'ema.safetensors',
    'model.safetensors',
    'optimizer.safetensors',
    'trainer.json',
  ]);
});

test('the weights carry the mark that the Hugging Face libraries ask for', async () => {
  await saveCheckpoint(join(run, 'saved'), sample());
  assert.equal((await readSafetensors(join(run, 'saved/model.safetensors'))).metadata.format, 'pt');
});

test('parts can be left out', async () => {
  const { config, parameters } = sample();
  await saveCheckpoint(join(run, 'small'), { config, parameters });
  assert.deepEqual(Object.keys(await loadCheckpoint(join(run, 'small'))), ['config', 'parameters']);
  await saveCheckpoint(join(run, 'whole'), sample());
  const some = await loadCheckpoint(join(run, 'whole'), { parts: ['ema', 'trainer'] });
  assert.equal(some.parameters.size, 0);
  assert.equal(some.optimizer, undefined);
  assert.deepEqual([...(some.ema?.keys() ?? [])], ['encoder.weight']);
  assert.equal(some.trainer?.step, 7);
});

test('a run folder, its checkpoints folder, a single file and shards are all understood', async () => {
  await saveSteps(10, 200);
  for (const path of [run, join(run, 'checkpoints'), `${run}/checkpoints/`, checkpointPath(run, 200)]) {
    assertSame(await loadCheckpoint(path), sample(200));
  }
  const ema = await loadCheckpoint(join(checkpointPath(run, 10), 'ema.safetensors'));
  assert.deepEqual([...ema.parameters.keys()], ['encoder.weight']);
  assert.equal(ema.trainer, undefined);

  const shards = join(run, 'shards');
  const { config, parameters } = sample();
  await saveCheckpoint(shards, { config, parameters });
  rmSync(join(shards, 'model.safetensors'));
  const map: Record<string, string> = {};
  for (const [i, entry] of [...parameters].entries()) {
    await writeSafetensors(join(shards, `model-${i}.safetensors`), [entry]);
    map[entry[0]] = `model-${i}.safetensors`;
  }
  const index = join(shards, 'model.safetensors.index.json');
  writeFileSync(index, JSON.stringify({ metadata: {}, weight_map: map }));
  assertSame(await loadCheckpoint(shards), { config, parameters });
  assertSame(await loadCheckpoint(index), { config, parameters });
  writeFileSync(index, JSON.stringify({ weight_map: { ...map, more: 'model-0.safetensors' } }));
  await assert.rejects(loadCheckpoint(shards), /Unknown tensor of .*model-0\.safetensors "more"/);
  writeFileSync(index, JSON.stringify({ weight_map: { ...map, more: '../../secret.safetensors' } }));
  await assert.rejects(loadCheckpoint(shards), /no safetensors file of its folder/);
});

test('saving the same step again replaces the folder', async () => {
  await saveCheckpoint(checkpointPath(run, 5), sample(5));
  const { config, parameters } = sample(6);
  await saveCheckpoint(checkpointPath(run, 5), { config, parameters });
  assertSame(await loadCheckpoint(run), { config, parameters });
  assert.deepEqual(readdirSync(join(run, 'checkpoints')), ['step-00000005']);
});

test('the newest complete checkpoint is found: by number, past temporaries and past damaged ones', async () => {
  assert.equal(await latestCheckpoint(run), undefined);
  await saveSteps(900, 1200, 123456789);
  mkdirSync(join(run, 'checkpoints/.step-99999999.1-ab.tmp'));
  mkdirSync(join(run, 'checkpoints/step-nonsense'));
  assert.equal(await latestCheckpoint(run), checkpointPath(run, 123456789));
  truncateSync(join(checkpointPath(run, 123456789), 'optimizer.safetensors'), 500);
  writeFileSync(join(checkpointPath(run, 1200), 'trainer.json'), '');
  const reasons: string[] = [];
  const latest = await latestCheckpoint(run, { onDamaged: (_, reason) => reasons.push(reason) });
  assert.equal(latest, checkpointPath(run, 900));
  assert.match(reasons[0], /optimizer\.safetensors is cut off/);
  assert.match(reasons[1], /trainer\.json is empty/);
  rmSync(join(checkpointPath(run, 900), 'config.json'));
  await assert.rejects(
    loadCheckpoint(run),
    /holds no complete checkpoint; the newest is unusable: .*123456789.optimizer/,
  );
});

test('a checkpoint that was being replaced when the process died is still the newest', async () => {
  await saveSteps(1, 2);
  const path = checkpointPath(run, 2);
  renameSync(path, join(run, 'checkpoints/.step-00000002.replaced'));
  assertSame(await loadCheckpoint(run), sample(2));
  assertSame(await loadCheckpoint(path), sample(2));
});

test('pruning keeps the newest complete checkpoints', async () => {
  await pruneCheckpoints(run, 1);
  await saveSteps(1, 2, 3, 4);
  writeFileSync(join(checkpointPath(run, 4), 'model.safetensors'), '');
  writeFileSync(join(run, 'checkpoints/.step-00000009.999999999-ab.tmp'), '');
  await pruneCheckpoints(run, 2);
  assert.deepEqual(readdirSync(join(run, 'checkpoints')), ['step-00000002', 'step-00000003', 'step-00000004']);
  await assert.rejects(pruneCheckpoints(run, 0), /At least one/);
});

test('what is no checkpoint is refused with one sentence that names it', async () => {
  await saveCheckpoint(join(run, 'good'), sample());
  const variant = (name: string, change: (folder: string) => void) => {
    cpSync(join(run, 'good'), join(run, name), { recursive: true });
    change(join(run, name));
    return join(run, name);
  };
  const weights = (bytes: string | Buffer) => (folder: string) =>
    writeFileSync(join(folder, 'model.safetensors'), bytes);
  const whole = readFileSync(join(run, 'good/model.safetensors'));
  const cases: [string, RegExp][] = [
    [join(run, 'nowhere'), /nowhere does not exist: name a checkpoint folder/],
    [variant('zero', weights('')), /zero\/model\.safetensors is empty \(0 bytes\)/],
    [variant('cut', weights(whole.subarray(0, whole.length - 1))), /cut\/model\.safetensors is cut off.*"encoder/],
    [variant('text', weights('hello, this is no tensor at all')), /no safetensors file/],
    [variant('no-config', (folder) => rmSync(join(folder, 'config.json'))), /config\.json.*missing/],
    [variant('empty-config', (folder) => writeFileSync(join(folder, 'config.json'), '')), /config\.json is empty/],
    [
      variant('list-config', (folder) => writeFileSync(join(folder, 'config.json'), '[]')),
      /does not hold a JSON object/,
    ],
    [
      variant('cut-config', (folder) => writeFileSync(join(folder, 'config.json'), '{"a":')),
      /config\.json is not JSON/,
    ],
    [variant('no-weights', (folder) => rmSync(join(folder, 'model.safetensors'))), /holds no model\.safetensors/],
    [
      variant('pickle', (folder) => renameSync(join(folder, 'model.safetensors'), join(folder, 'pytorch_model.bin'))),
      /pytorch_model\.bin.*convert/,
    ],
    [variant('bad-ema', (folder) => writeFileSync(join(folder, 'ema.safetensors'), '')), /ema\.safetensors is empty/],
  ];
  writeFileSync(join(run, 'zero.safetensors'), '');
  writeFileSync(join(run, 'model.pth'), Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(60)]));
  mkdirSync(join(run, 'fresh/checkpoints'), { recursive: true });
  cases.push([join(run, 'zero.safetensors'), /zero\.safetensors is empty/]);
  cases.push([join(run, 'model.pth'), /model\.pth is no safetensors file but a zip archive/]);
  cases.push([join(run, 'fresh'), /no complete checkpoint; the run has not saved yet/]);
  for (const [path, message] of cases) {
    await assert.rejects(loadCheckpoint(path), (error: unknown) => {
      assert(error instanceof HiperceiverError, `${path}: ${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('values that JSON would lose are refused, and nothing is left behind', async () => {
  const { config, parameters } = sample();
  const save = (trainer: Record<string, unknown>) =>
    saveCheckpoint(join(run, 'saved'), { config, parameters, trainer });
  await assert.rejects(save({ best: Number.NaN }), /saved.trainer\.json cannot hold "best": NaN/);
  await assert.rejects(save({ step: 1n }), /"step".*big integer/);
  assert.deepEqual(readdirSync(run), []);
});
