/** Sessions that begin from a graph optimised earlier. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import ort from 'onnxruntime-node';
import { cacheFolder, withSessionCache } from '../../src/engine/sessionCache.js';
import type { OrtModule } from '../../src/engine/worker/host.js';
import { toOnnx } from '../../src/graph/index.js';
import { attentionStep } from './graphs.js';

const scratch = mkdtempSync(join(tmpdir(), 'hip-cache-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const { graph, parameters, feeds } = attentionStep({ batch: 1, length: 16, dim: 16, layers: 2 });
const model = toOnnx(graph, { target: 'cpu' });
const options = { executionProviders: ['cpu'], graphOptimizationLevel: 'all', logSeverityLevel: 3 } as const;
const levels: unknown[] = [];
/** The real runtime, which also notes how much it was asked to optimise. */
const runtime = {
  Tensor: ort.Tensor,
  InferenceSession: {
    create: (bytes, given) => {
      levels.push(given?.graphOptimizationLevel);
      return ort.InferenceSession.create(bytes, given);
    },
  },
} as OrtModule;

/** The training step's inputs. */
function tensors(): Record<string, ort.Tensor> {
  const values = { ...feeds, ...Object.fromEntries(Object.entries(parameters).map(([k, v]) => [k, v.values])) };
  return Object.fromEntries(
    Object.entries(values).map(([name, array]) => [
      name,
      new ort.Tensor('float32', array as Float32Array, graph.inputs.get(name)!.shape),
    ]),
  );
}

interface StepOptions {
  largest?: number;
  version?: string;
  bytes?: Uint8Array;
}

/** Makes a session of the training step, runs it, and gives what it put out and the levels of optimisation it took. */
async function step(folder: string, { largest, version = '1', bytes = model }: StepOptions = {}) {
  levels.length = 0;
  const cached = withSessionCache(runtime, { folder, least: 0, largest, version });
  const session = await cached.InferenceSession.create(bytes, options);
  const results = await session.run(tensors());
  await session.release();
  return {
    levels: [...levels],
    outputs: Object.fromEntries(Object.entries(results).map(([name, t]) => [name, t.data])),
  };
}

test('a second session is not optimised again, and its results are the same to the bit', async () => {
  const folder = join(scratch, 'hit');
  const first = await step(folder);
  assert.deepEqual(first.levels, ['all']);
  const [entry, ...others] = readdirSync(folder);
  assert.match(entry, /^[0-9a-f]{64}\.onnx$/);
  assert.deepEqual(others, [], 'no temporary file is left');
  const second = await step(folder);
  assert.deepEqual(second.levels, ['disabled']);
  assert.deepEqual(second.outputs, first.outputs);
});

/** Operators of a session's run as ONNX Runtime ran them, by its own profile. */
async function ranOperators(folder: string): Promise<string[]> {
  const prefix = join(folder, 'profile');
  const cached = withSessionCache(runtime, { folder, least: 0, version: '1' });
  const session = await cached.InferenceSession.create(model, {
    ...options,
    enableProfiling: true,
    profileFilePrefix: prefix,
  });
  await session.run(tensors());
  session.endProfiling();
  await session.release();
  const [file] = readdirSync(folder).filter((name) => name.startsWith('profile'));
  const events = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
    name: string;
    args?: { op_name?: string; output_type_shape?: unknown };
  }[];
  rmSync(join(folder, file));
  return events
    .filter(({ name }) => name.endsWith('_kernel_time'))
    .map(({ args }) => `${args?.op_name} ${JSON.stringify(args?.output_type_shape)}`);
}

test('a second session runs in the order of the first', async () => {
  const folder = mkdtempSync(join(scratch, 'order-'));
  levels.length = 0;
  const first = await ranOperators(folder);
  const second = await ranOperators(folder);
  assert.deepEqual(levels, ['all', 'disabled']);
  assert.ok(first.length > 50);
  assert.deepEqual(second, first);
});

test('another version of the runtime has entries of its own', async () => {
  const folder = join(scratch, 'versions');
  await step(folder);
  assert.deepEqual((await step(folder, { version: '2' })).levels, ['all']);
  assert.equal(readdirSync(folder).length, 2);
});

test('a damaged or cut entry is ignored and written anew', async () => {
  const folder = join(scratch, 'damage');
  const { outputs } = await step(folder);
  const entry = join(folder, readdirSync(folder)[0]);
  const whole = readFileSync(entry);
  const flipped = Buffer.from(whole);
  flipped[whole.length >> 1] ^= 1;
  for (const damaged of [flipped, whole.subarray(0, whole.length - 100), Buffer.alloc(0)]) {
    writeFileSync(entry, damaged);
    const again = await step(folder);
    assert.deepEqual(again.levels, ['all']);
    assert.deepEqual(again.outputs, outputs);
    assert.deepEqual(readFileSync(entry), whole);
  }
});

test('what was not used for longest goes when the cache is full', async () => {
  const folder = join(scratch, 'full');
  await step(folder, { version: 'old' });
  const { size } = statSync(join(folder, readdirSync(folder)[0]));
  await step(folder, { version: 'older' });
  await step(folder, { version: 'old' });
  await step(folder, { version: 'new', largest: 2.5 * size });
  assert.equal(readdirSync(folder).length, 2);
  assert.deepEqual((await step(folder, { version: 'old' })).levels, ['disabled']);
  assert.deepEqual((await step(folder, { version: 'older', largest: 2.5 * size })).levels, ['all']);
});

test('a folder that cannot be made costs no error', async () => {
  const file = join(scratch, 'a-file');
  writeFileSync(file, '');
  chmodSync(file, 0o444);
  const { outputs } = await step(join(file, 'sessions'));
  assert.ok(Number.isFinite((outputs.loss as Float32Array)[0]));
});

test('a model that is at fault says so as without a cache', async () => {
  await assert.rejects(step(join(scratch, 'fault'), { bytes: model.subarray(0, 1000) }), /protobuf/i);
  assert.deepEqual(readdirSync(join(scratch, 'fault')), []);
});

test('HIP_CACHE names the folder or switches the cache off', () => {
  assert.equal(cacheFolder({ HIP_CACHE: '/somewhere' }), '/somewhere');
  for (const off of ['off', '0', 'none']) assert.equal(cacheFolder({ HIP_CACHE: off }), undefined);
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/caches' }), join('/caches', 'hiperceiver', 'sessions'));
  assert.ok(cacheFolder({})!.startsWith(homedir()));
});
