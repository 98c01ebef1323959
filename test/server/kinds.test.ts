/** Models of other signals than images: the same routes, the same answers as the model run directly. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatWav } from '../../src/data/audio/index.js';
import { type Reader, readExample } from '../../src/data/index.js';
import { createEngine } from '../../src/engine/index.js';
import { keyFrom } from '../../src/random/index.js';
import { inputReader } from '../../src/server/index.js';
import { features, loadModel, Runner } from '../../src/tasks/index.js';
import { needsShared } from '../data/fixtures.js';
import { open, post, serve, smallCheckpoint } from './servers.js';

const SOUND: Reader = { kind: 'audio', rate: 8000, samples: 512, channels: 1, mean: [0], std: [0.5] };
const POINTS: Reader = { kind: 'points', points: 64, channels: 3, fill: 'pad' };
const CLIP: Reader = {
  ...{ kind: 'video', frames: 4, frameRate: 5, imageSize: [8, 8], crop: 'center', flip: false, start: 'center' },
  ...{ mean: [0.5], std: [0.25], sound: { rate: 4000, channels: 1 } },
};

/** The features of a file, without any server. */
async function featuresOf(checkpoint: string, part: string, bytes: Uint8Array): Promise<Float32Array> {
  const model = await loadModel(checkpoint);
  await using engine = await createEngine({ device: 'cpu', threads: 1 });
  const { description } = model;
  const runner = await Runner.create(engine, model, 1, (scope, inputs) => ({
    result: features(description, scope, inputs),
  }));
  const read = await readExample({ parts: { [part]: bytes } }, inputReader(description.reader!), keyFrom(0));
  const lengths = Object.entries(read.lengths).map(([name, length]) => [name, Int32Array.of(length)]);
  const { result } = await runner.run({ signals: read.signals, lengths: Object.fromEntries(lengths), size: 1 });
  return result;
}

function assertClose(actual: number[], expected: Float32Array): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) < 1e-4 * (1 + Math.abs(expected[i])), `${v}`));
}

/** A tone of so many samples at 8 kHz. */
function tone(samples: number): Uint8Array {
  const values = Float32Array.from({ length: samples }, (_, i) => 0.5 * Math.sin(i / 5));
  return formatWav({ rate: 8000, channels: 1, samples: values });
}

test('sounds, longer and shorter than the model takes; too long ones and damaged ones are refused', async () => {
  const checkpoint = await smallCheckpoint('sound', { reader: SOUND, classes: ['low', 'high'] });
  const server = await serve(await open(checkpoint), { maxDuration: 1 });
  for (const samples of [2000, 300]) {
    const bytes = tone(samples);
    const { status, json } = await post(`${server.url}/v1/embed`, bytes, 'audio/wav');
    assert.equal(status, 200, JSON.stringify(json));
    assertClose(json.results[0].embedding, await featuresOf(checkpoint, 'audio', bytes));
  }
  const { json } = await post(`${server.url}/v1/classify`, tone(600), 'application/octet-stream');
  assert.equal(json.results[0].classes.length, 2);
  const refusals = [
    [tone(8001), 'audio/wav', 413, 'too_long'],
    [tone(600).subarray(0, 30), 'audio/wav', 422, 'undecodable'],
    [Buffer.from('no sound at all'), 'audio/mpeg', 422, 'undecodable'],
    [tone(600), 'image/png', 415, 'unsupported_type'],
  ] as const;
  for (const [bytes, type, status, code] of refusals) {
    const answer = await post(`${server.url}/v1/embed`, bytes, type);
    assert.deepEqual([answer.status, answer.json.error?.code], [status, code], JSON.stringify(answer.json));
  }
  const refused = await post(`${server.url}/v1/reconstruct`, tone(600), 'audio/wav');
  assert.equal(refused.json.error.code, 'unable');
});

test('points, more and fewer than the model takes', async () => {
  const checkpoint = await smallCheckpoint('points', { reader: POINTS });
  const server = await serve(await open(checkpoint));
  for (const count of [200, 20]) {
    const rows = Array.from({ length: count }, (_, i) => `${Math.sin(i)} ${Math.cos(i)} ${i / count}`);
    const bytes = Buffer.from(rows.join('\n'));
    const { status, json } = await post(`${server.url}/v1/embed`, bytes, 'text/plain');
    assert.equal(status, 200, JSON.stringify(json));
    assertClose(json.results[0].embedding, await featuresOf(checkpoint, 'points', bytes));
  }
  const { status, json } = await post(`${server.url}/v1/embed`, 'three words here', 'text/plain');
  assert.deepEqual([status, json.error.code], [422, 'undecodable']);
});

test('videos with their sound, and without it', async (context) => {
  const folder = needsShared('grid', context);
  if (!folder) return;
  const name = readdirSync(join(folder, 'test'), { recursive: true, encoding: 'utf8' }).find((n) =>
    /\.(mp4|mpg)$/.test(n),
  )!;
  const bytes = readFileSync(join(folder, 'test', name));
  const checkpoint = await smallCheckpoint('video', { reader: CLIP });
  const server = await serve(await open(checkpoint), { maxDuration: 60 });
  const { status, json } = await post(`${server.url}/v1/embed`, bytes, 'video/mp4');
  assert.equal(status, 200, JSON.stringify(json));
  assertClose(json.results[0].embedding, await featuresOf(checkpoint, 'video', bytes));
  for (const share of [0, 0.01, 0.3]) {
    const cut = await post(`${server.url}/v1/embed`, bytes.subarray(0, share * bytes.length), 'video/mp4');
    assert.ok([200, 400, 422].includes(cut.status), JSON.stringify(cut.json));
  }
});
