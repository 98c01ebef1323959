/** What the routes answer, beside what the command line computes from the same checkpoint. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { readNpy } from '../../src/data/index.js';
import { createEngine } from '../../src/engine/index.js';
import { openModel, type RunningServer } from '../../src/server/index.js';
import { exportOnnx, loadModel } from '../../src/tasks/index.js';
import { hip } from '../cli/program.js';
import { open, path, picture, post, serve, smallCheckpoint } from './servers.js';

let [classifier, encoder]: RunningServer[] = [];
let pictures: Buffer[];
let [classifierPath, encoderPath] = ['', ''];

before(async () => {
  [classifierPath, encoderPath] = await Promise.all([
    smallCheckpoint('classifier', { classes: ['cat', 'dog', 'fish'] }),
    smallCheckpoint('encoder', { masking: { ratio: 0.75 }, seed: 3 }),
  ]);
  [classifier, encoder] = [await serve(await open(classifierPath)), await serve(await open(encoderPath))];
  pictures = await Promise.all([picture(1), picture(2, 20, 31, 'jpeg'), picture(3, 8, 8, 'webp')]);
});

/** Numbers agree to a share of the largest. */
function assertClose(actual: number[], expected: ArrayLike<number>, tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length);
  const largest = Math.max(...Array.from(expected, Math.abs));
  actual.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) <= tolerance * largest, `${i}: ${v}, ${expected[i]}`));
}

test('embed gives the features that "hip embed" writes, for one image or several in a batch', async () => {
  const folder = path('pictures');
  mkdirSync(`${folder}/test`, { recursive: true });
  const names = ['0.png', '1.jpg', '2.webp'];
  names.forEach((name, i) => writeFileSync(`${folder}/test/${name}`, pictures[i]));
  const out = path('features.npy');
  const { code, err } = await hip('embed', encoderPath, '--data', folder, '--split', 'test', '--out', out);
  assert.equal(code, 0, err);
  const { shape, data } = await readNpy(out);
  const rows = readFileSync(out.replace('.npy', '.ids.txt'), 'utf8').split('\n');
  const expected = (i: number) => {
    const row = rows.findIndex((line) => line.endsWith(names[i]));
    return Array.from({ length: shape[1] }, (_, d) => Number(data[row * shape[1] + d]));
  };

  const form = new FormData();
  names.forEach((name, i) => form.append('file', new Blob([new Uint8Array(pictures[i])]), name));
  const together = await post(`${encoder.url}/v1/embed`, form);
  assert.equal(together.status, 200, JSON.stringify(together.json));
  assert.equal(together.json.model, 'hip/tiny');
  assert.deepEqual(
    together.json.results.map((r: { name: string }) => r.name),
    names,
  );
  for (const [i, type] of ['image/png', 'image/jpeg', 'application/octet-stream'].entries()) {
    const alone = await post(`${encoder.url}/v1/embed`, pictures[i], type);
    assertClose(alone.json.results[0].embedding, expected(i));
    assertClose(together.json.results[i].embedding, expected(i));
  }
});

test('classify gives the likeliest classes first, with probabilities that sum to 1', async () => {
  const { status, json } = await post(`${classifier.url}/v1/classify?top=3`, pictures[0]);
  assert.equal(status, 200);
  const [{ classes }] = json.results;
  assert.deepEqual(classes.map((c: { label: string }) => c.label).sort(), ['cat', 'dog', 'fish']);
  const probabilities: number[] = classes.map((c: { probability: number }) => c.probability);
  assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-5);
  assert.deepEqual(
    probabilities,
    [...probabilities].sort((a, b) => b - a),
  );
  assert.equal((await post(`${classifier.url}/v1/classify?top=1`, pictures[0])).json.results[0].classes.length, 1);
});

test('tags are decided each by itself', async () => {
  const tagger = await serve(
    await open(await smallCheckpoint('tagger', { classes: ['red', 'round'], task: 'tagging' })),
  );
  const { json } = await post(`${tagger.url}/v1/classify`, pictures[0]);
  const sum = json.results[0].classes.reduce((s: number, c: { probability: number }) => s + c.probability, 0);
  assert.ok(sum > 0 && sum < 2 && Math.abs(sum - 1) > 1e-4, `${sum}`);
});

test('JSON with base64, data addresses, names and types', async () => {
  const encoded = pictures.map((bytes) => bytes.toString('base64'));
  const inputs = [
    encoded[0],
    `data:image/jpeg;base64,${encoded[1]}`,
    { data: encoded[2], type: 'image/webp', name: 'third' },
  ];
  const { status, json } = await post(`${classifier.url}/v1/embed`, JSON.stringify({ inputs }), 'application/json');
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(json.results[2].name, 'third');
  for (const i of [0, 1, 2]) {
    const alone = await post(`${classifier.url}/v1/embed`, pictures[i], 'application/octet-stream');
    assertClose(json.results[i].embedding, alone.json.results[0].embedding);
  }
});

test('reconstruct fills in what the seed hides: as PNG, as a figure, as JSON', async () => {
  const url = `${encoder.url}/v1/reconstruct`;
  const get = async (query: string) => {
    const response = await fetch(`${url}?${query}`, {
      method: 'POST',
      body: new Uint8Array(pictures[1]),
      headers: { 'content-type': 'image/jpeg' },
    });
    assert.equal(response.status, 200, query);
    return response;
  };
  const filled = Buffer.from(await (await get('seed=4')).arrayBuffer());
  const { width, height, format } = await sharp(filled).metadata();
  assert.deepEqual([width, height, format], [8, 8, 'png']);
  assert.deepEqual(Buffer.from(await (await get('seed=4')).arrayBuffer()), filled);
  assert.notDeepEqual(Buffer.from(await (await get('seed=5')).arrayBuffer()), filled);
  const figure = await sharp(Buffer.from(await (await get('format=figure&mask-ratio=0.5')).arrayBuffer())).metadata();
  assert.ok(figure.width > 400 && figure.format === 'png');

  const [result] = (await (await get('seed=4&format=json')).json()).results;
  assert.deepEqual(Buffer.from(result.reconstruction, 'base64'), filled);
  assert.ok(Math.abs(result.maskRatio - 0.75) < 0.05 && result.meanSquaredError > 0);
  // What was seen stays as it is; the rest is grey in one picture and the model's in the other.
  const [visible, reconstruction] = await Promise.all(
    [result.visible, result.reconstruction].map((png) => sharp(Buffer.from(png, 'base64')).raw().toBuffer()),
  );
  let hidden = 0;
  for (let p = 0; p < visible.length; p += 3) {
    const seen = visible.subarray(p, p + 3);
    if (seen.every((v) => v === 128)) hidden++;
    else assert.deepEqual(reconstruction.subarray(p, p + 3), seen);
  }
  assert.ok(Math.abs(hidden / 64 - result.maskRatio) < 0.02, `${hidden} pixels are grey`);
  const lighter = (await (await get('seed=4&format=json&mask-ratio=0.31')).json()).results[0];
  assert.ok(Math.abs(lighter.maskRatio - 0.3) < 0.04, `${lighter.maskRatio}`);
});

test('the error over what was hidden is the loss that "hip reconstruct" prints for that seed', async () => {
  const file = path('one.png');
  writeFileSync(file, pictures[0]);
  const drawn = await hip('reconstruct', encoderPath, file, '--seed', '6', '--out', path('r.png'), '--json');
  assert.equal(drawn.code, 0, drawn.err);
  const { json } = await post(`${encoder.url}/v1/reconstruct?seed=6&format=json`, pictures[0]);
  const expected = JSON.parse(drawn.out).loss;
  assert.ok(Math.abs(json.results[0].meanSquaredError / expected - 1) < 1e-4);
});

test('targets that were normalised within groups come back as pixels', async () => {
  const normalized = await smallCheckpoint('normalized', { masking: { normalizeTargets: true, ratio: 0.5 } });
  const server = await serve(await open(normalized));
  const { json } = await post(`${server.url}/v1/reconstruct?format=json`, pictures[0]);
  // An untrained decoder answers 0, which is the mean of each group.
  const pixels = await sharp(Buffer.from(json.results[0].reconstruction, 'base64')).raw().toBuffer();
  const mean = pixels.reduce((a, b) => a + b, 0) / pixels.length;
  assert.ok(mean > 90 && mean < 165, `${mean}`);
});

test('an exported file answers as its checkpoint does', async () => {
  await using engine = await createEngine({ device: 'cpu', threads: 1 });
  const exports = [
    [classifierPath, 'classify', false, 1],
    [classifierPath, 'features', true, 2],
    [encoderPath, 'reconstruct', false, 1],
  ] as const;
  for (const [from, task, embedNormalization, batchSize] of exports) {
    const file = path(`${task}.onnx`);
    await exportOnnx(await loadModel(from), file, engine, { task, embedNormalization, batchSize });
    const server = await serve(await openModel(file, { threads: 1, batchSize: 4 }));
    const reference = from === encoderPath ? encoder : classifier;
    if (task === 'classify') {
      const [own, theirs] = await both(server, reference, '/v1/classify?top=3');
      assert.deepEqual(own.json.results[0].classes[0].label, theirs.json.results[0].classes[0].label);
      const refused = await post(`${server.url}/v1/embed`, pictures[0]);
      assert.deepEqual([refused.status, refused.json.error.code], [404, 'unable']);
    } else if (task === 'features') {
      const [own, theirs] = await both(server, reference, '/v1/embed');
      assertClose(own.json.results[0].embedding, theirs.json.results[0].embedding, 1e-4);
    } else {
      const [own, theirs] = await both(server, reference, '/v1/reconstruct?format=json&seed=2');
      assert.ok(Math.abs(own.json.results[0].meanSquaredError / theirs.json.results[0].meanSquaredError - 1) < 1e-4);
      assert.equal(own.json.results[0].visible, theirs.json.results[0].visible);
      const refused = await post(`${server.url}/v1/reconstruct?mask-ratio=0.1`, pictures[0]);
      assert.deepEqual([refused.status, refused.json.error.code], [400, 'bad_query']);
    }
  }
});

const both = (one: RunningServer, other: RunningServer, at: string) =>
  Promise.all([one, other].map(({ url }) => post(url + at, pictures[0])));

test('health, metrics, the OpenAPI document and its page tell of what there is', async () => {
  const health = await (await fetch(`${encoder.url}/health`)).json();
  assert.deepEqual(
    [health.live, health.ready, health.model.tasks, health.model.inputs],
    [true, true, ['embed', 'reconstruct'], [{ name: 'image', shape: [8, 8, 3] }]],
  );
  const metrics = await (await fetch(`${encoder.url}/metrics`)).text();
  assert.match(metrics, /^hip_http_requests_total\{route="\/v1\/embed",status="200"\} \d+$/m);
  assert.match(metrics, /^hip_http_request_duration_seconds_bucket\{route="\/v1\/embed",le="\+Inf"\} \d+$/m);
  assert.match(metrics, /^hip_batch_size_count\{task="embed"\} \d+$/m);
  assert.match(metrics, /^hip_inputs_in_house 0$/m);
  assert.match(metrics, /^hip_buffered_bytes 0$/m);
  for (const line of metrics.trim().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.e+-]+)$/);
  const api = await (await fetch(`${encoder.url}/openapi.json`)).json();
  assert.deepEqual(Object.keys(api.paths), [
    '/v1/embed',
    '/v1/reconstruct',
    '/health',
    '/metrics',
    '/openapi.json',
    '/',
  ]);
  const page = await fetch(`${encoder.url}/`);
  assert.match(page.headers.get('content-type')!, /^text\/html/);
  const html = await page.text();
  for (const word of ['/v1/reconstruct', 'mask-ratio', '413']) assert.ok(html.includes(word));
  assert.doesNotMatch(html, /<script|https?:\/\/(?!127)/);
  const head = await fetch(`${encoder.url}/health`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});
