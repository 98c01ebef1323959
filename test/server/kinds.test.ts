/** Models of other signals than images: the same routes, the same answers as the model run directly. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeWav, formatWav } from '../../src/data/audio/index.js';
import { type Reader, readExample } from '../../src/data/index.js';
import { createEngine } from '../../src/engine/index.js';
import { keyFrom } from '../../src/random/index.js';
import { inputReader } from '../../src/server/index.js';
import { features, loadModel, Runner } from '../../src/tasks/index.js';
import { hip, path } from '../cli/program.js';
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

test('masked sounds and points are filled in: as pictures, as a sound, with the error that the model has by itself', async () => {
  const checkpoint = await smallCheckpoint('masked-sound', { reader: SOUND });
  const server = await serve(await open(checkpoint));
  const ask = (query: string, bytes: Uint8Array, type: string) =>
    fetch(`${server.url}/v1/reconstruct?${query}`, {
      method: 'POST',
      body: new Uint8Array(bytes),
      headers: { 'content-type': type },
    });
  const bytes = tone(300);
  const heard = decodeWav(new Uint8Array(await (await ask('format=wav&seed=3', bytes, 'audio/wav')).arrayBuffer()));
  assert.deepEqual([heard.rate, heard.samples.length], [8000, 300], 'padding is no sound');
  const same = heard.samples.filter((x, i) => Math.abs(x - 0.5 * Math.sin(i / 5)) < 1e-3).length;
  assert.ok(same > 30 && same < 200, `${same} of 300 samples are those that were seen`);
  for (const format of ['png', 'figure']) {
    const picture = await ask(`format=${format}`, bytes, 'audio/wav');
    assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/png']);
  }
  const { results } = await (await ask('format=json&seed=3', bytes, 'audio/wav')).json();
  const file = path('masked.wav');
  writeFileSync(file, bytes);
  const drawn = await hip('reconstruct', checkpoint, file, '--seed', '3', '--out', path('masked.png'), '--json');
  assert.equal(drawn.code, 0, drawn.err);
  assert.ok(Math.abs(results[0].meanSquaredError / JSON.parse(drawn.out).loss - 1) < 1e-4);
  assert.equal(results[0].visible, undefined);
  const none = await (await ask('signal=video', bytes, 'audio/wav')).json();
  assert.deepEqual([none.error.code, /it has audio/.test(none.error.message)], ['bad_query', true]);

  const points = await serve(await open(await smallCheckpoint('masked-points', { reader: POINTS })));
  const rows = Array.from({ length: 80 }, (_, i) => `${Math.sin(i)} ${Math.cos(i)} ${i / 80}`).join('\n');
  const answer = await post(`${points.url}/v1/reconstruct?format=json&mask-ratio=0.5`, rows, 'text/plain');
  assert.ok(Math.abs(answer.json.results[0].maskRatio - 0.5) < 0.03, JSON.stringify(answer.json).slice(0, 200));
  const silent = await post(`${points.url}/v1/reconstruct?format=wav`, rows, 'text/plain');
  assert.equal(silent.json.error.code, 'bad_query');
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
  const filled = await post(`${server.url}/v1/reconstruct?format=json&signal=audio`, bytes, 'video/mp4');
  assert.deepEqual(Object.keys(filled.json.results[0].errors), ['video', 'audio']);
  assert.equal(filled.json.results[0].meanSquaredError, filled.json.results[0].errors.audio);
  for (const share of [0, 0.01, 0.3]) {
    const cut = await post(`${server.url}/v1/embed`, bytes.subarray(0, share * bytes.length), 'video/mp4');
    assert.ok([200, 400, 422].includes(cut.status), JSON.stringify(cut.json));
  }
});
