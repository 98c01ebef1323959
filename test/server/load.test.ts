/** Many at once, slow ones, and those who leave: good requests go on, and nothing stays behind. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { RunningServer } from '../../src/server/index.js';
import { type Answer, dial, fakeModel, picture, post, serve } from './servers.js';

let png: Buffer;
before(async () => {
  png = await picture();
});

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const embed = (server: RunningServer): Promise<Answer> => post(`${server.url}/v1/embed`, png);

/** A metric's value. */
async function metric(server: RunningServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
}

async function assertEmpty(server: RunningServer): Promise<void> {
  for (const name of ['hip_inputs_in_house', 'hip_queue_length', 'hip_inputs_decoding', 'hip_buffered_bytes'])
    assert.equal(await metric(server, name), 0, name);
}

test('requests that come together are computed together', async () => {
  const batches: number[] = [];
  const server = await serve(fakeModel({ milliseconds: 20, batches }), { batchSize: 8, batchWait: 5 });
  const answers = await Promise.all(Array.from({ length: 24 }, () => embed(server)));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(
    batches.reduce((a, b) => a + b),
    24,
  );
  assert.ok(batches.length <= 12 && Math.max(...batches) <= 8, `${batches}`);
  await assertEmpty(server);
});

test('a full queue answers 503 with the time to come again, and those inside get their results', async () => {
  const server = await serve(fakeModel({ milliseconds: 150 }), { maxQueue: 4, maxInputs: 2, batchSize: 1 });
  const answers = await Promise.all(Array.from({ length: 12 }, () => embed(server)));
  const counts = [200, 503].map((status) => answers.filter((a) => a.status === status).length);
  assert.equal(counts[0] + counts[1], 12);
  assert.ok(counts[0] >= 4 && counts[1] >= 1, `${counts}`);
  const refused = answers.find(({ status }) => status === 503)!;
  assert.deepEqual([refused.json.error.code, refused.headers.get('retry-after')], ['busy', '1']);
  assert.equal((await embed(server)).status, 200);
  await assertEmpty(server);
});

test('all bodies together are bounded too', async () => {
  const server = await serve(fakeModel(), { maxBody: 5000, maxBuffered: 10_000, timeout: 5 });
  const head = 'POST /v1/embed HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: 5000\r\n\r\n';
  const holding = [1, 2].map(() => dial(server.port));
  for (const { socket } of holding) socket.write(head + 'x'.repeat(4950));
  while ((await metric(server, 'hip_buffered_bytes')) < 9900) await pause(10);
  const { status, json } = await embed(server);
  assert.deepEqual([status, json.error.code], [503, 'busy']);
  for (const { socket } of holding) socket.destroy();
  while ((await metric(server, 'hip_buffered_bytes')) > 0) await pause(10);
  assert.equal((await embed(server)).status, 200);
});

test('an answer that would take too long is given up', async () => {
  const server = await serve(fakeModel({ milliseconds: 700 }), { timeout: 0.3, batchSize: 1 });
  const [first, second] = await Promise.all([embed(server), embed(server)]);
  for (const { status, json } of [first, second]) assert.deepEqual([status, json.error.code], [503, 'timeout']);
});

test('slow clients are answered 408 and closed while good requests go on', async () => {
  const server = await serve(fakeModel(), { timeout: 1, headersTimeout: 0.4 });
  const head = 'POST /v1/embed HTTP/1.1\r\nhost: x\r\n';
  const slow = [
    ...Array.from({ length: 20 }, () => dial(server.port)),
    ...Array.from({ length: 20 }, () => dial(server.port)),
  ];
  slow.slice(0, 20).forEach(({ socket }) => socket.write(head));
  slow
    .slice(20)
    .forEach(({ socket }) => socket.write(`${head}content-type: image/png\r\ncontent-length: 1000\r\n\r\n`));
  const drip = setInterval(() => {
    slow.slice(0, 20).forEach(({ socket }) => socket.writable && socket.write('x-a: b\r\n'));
    slow.slice(20).forEach(({ socket }) => socket.writable && socket.write('x'));
  }, 50);
  const silent = dial(server.port);
  const start = performance.now();
  let good = 0;
  let isOver = false;
  const ended = Promise.all(slow.map(({ closed }) => closed)).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    assert.equal((await embed(server)).status, 200);
    good++;
    await pause(5);
  }
  clearInterval(drip);
  for (const text of await ended) assert.match(text, /^HTTP\/1\.1 408 [\s\S]*"request_timeout"/);
  assert.ok(good > 20 && performance.now() - start < 4000);
  await silent.closed;
  await assertEmpty(server);
});

test('more connections than are taken are closed at once', async () => {
  const server = await serve(fakeModel(), { maxConnections: 3 });
  const held = [1, 2, 3].map(() => dial(server.port));
  for (const { socket } of held) await new Promise((resolve) => socket.once('connect', resolve));
  await pause(30);
  assert.equal(await dial(server.port).closed, '');
  held[0].socket.destroy();
  await pause(30);
  const response = await fetch(`${server.url}/health`, { headers: { connection: 'close' } });
  assert.equal(response.status, 200);
  for (const { socket } of held) socket.destroy();
});

test('a client that leaves takes its place in the queue along', async () => {
  const batches: number[] = [];
  const server = await serve(fakeModel({ milliseconds: 200, batches }), { batchSize: 1 });
  const kept = embed(server);
  await pause(60);
  const abort = new AbortController();
  const left = fetch(`${server.url}/v1/embed`, {
    method: 'POST',
    body: new Uint8Array(png),
    headers: { 'content-type': 'image/png' },
    signal: abort.signal,
  });
  await pause(60);
  abort.abort();
  await assert.rejects(left);
  assert.equal((await kept).status, 200);
  await pause(30);
  assert.deepEqual(batches, [1]);
  assert.deepEqual(server.log.map(({ status }) => status).sort(), [200, 499]);
  await assertEmpty(server);
});

test('a failing run is a 500 that tells nothing of the inside; a dead model ends the server', async () => {
  const model = fakeModel();
  let isDead = false;
  const die = async () => {
    throw new Error('segment 7 at /secret/path.ts:12');
  };
  model.run = die;
  model.probe = async () => {
    if (isDead) await die();
  };
  const server = await serve(model);
  const { status, json, headers } = await embed(server);
  assert.deepEqual([status, json.error.code], [500, 'internal']);
  assert.ok(json.error.message.includes(headers.get('x-request-id')));
  assert.doesNotMatch(JSON.stringify(json), /secret|segment/);
  assert.match(server.log[0].cause!, /^segment 7/);
  assert.equal((await fetch(`${server.url}/health`)).status, 200);
  isDead = true;
  assert.equal((await embed(server)).status, 500);
  await assert.rejects(server.failed, /segment 7/);
  assert.equal((await fetch(`${server.url}/health`)).status, 503);
});
