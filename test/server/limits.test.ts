/** What is refused, and how: one sentence, a code, and a server that goes on. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { RunningServer } from '../../src/server/index.js';
import { type Answer, dial, fakeModel, picture, post, serve } from './servers.js';

const LIMITS = { maxBody: 20_000, maxPixels: 1000, maxInputs: 3 };
let server: Awaited<ReturnType<typeof serve>>;
let png: Buffer;

before(async () => {
  [server, png] = [await serve(fakeModel(), LIMITS), await picture()];
});

/** Asserts a refusal: its status and code, one sentence, nothing of the inside. */
function assertRefused({ status, headers, json }: Answer, wanted: number, code: string): void {
  assert.deepEqual([status, json.error?.code], [wanted, code], JSON.stringify(json));
  assert.deepEqual(Object.keys(json), ['error']);
  assert.deepEqual(Object.keys(json.error), ['code', 'message']);
  assert.match(json.error.message, /^[A-Z/"a-z-][^\n]*[.?]$/);
  assert.doesNotMatch(json.error.message, /node_modules|\.[jt]s:\d|\n/);
  assert.match(headers.get('x-request-id')!, /^[\w-]{8,}$/);
}

const url = (path = '/v1/classify') => server.url + path;
const answers = async (at: RunningServer = server) => {
  const { status, json } = await post(`${at.url}/v1/classify?top=1`, png);
  assert.equal(status, 200, JSON.stringify(json));
};

test('paths, methods and queries that there are not', async () => {
  assertRefused(await post(url('/v1/clasify'), png), 404, 'unknown_route');
  assertRefused(await post(url('/../../etc/passwd'), png), 404, 'unknown_route');
  assertRefused(await post(url('/v1/reconstruct'), png), 404, 'unable');
  const wrong = await fetch(url());
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST']);
  const posted = await post(url('/health'), png);
  assertRefused(posted, 405, 'wrong_method');
  assert.equal(posted.headers.get('allow'), 'GET, HEAD');
  for (const query of ['top=0', 'top=1.5', 'top=many', 'top=', 'topp=3', 'top=1&top=2', 'top=1e999', '%zz=1'])
    assertRefused(await post(url(`/v1/classify?${query}`), png), 400, 'bad_query');
  assert.match((await post(url('/v1/classify?topp=3'), png)).json.error.message, /did you mean "top"/);
});

test('types and encodings that are not taken', async () => {
  assertRefused(await post(url(), 'hello', 'text/plain'), 415, 'unsupported_type');
  assertRefused(await post(url(), '<svg/>', 'image/svg+xml'), 415, 'unsupported_type');
  assertRefused(await post(url(), '<svg/>', 'application/octet-stream'), 415, 'unsupported_type');
  assertRefused(await post(url(), png, 'application/x-www-form-urlencoded'), 415, 'unsupported_type');
  const zipped = await post(url(), gzipSync(Buffer.alloc(1e6)), 'image/png', { 'content-encoding': 'gzip' });
  assertRefused(zipped, 415, 'unsupported_encoding');
  const inputs = [{ data: png.toString('base64'), type: 'video/mp4' }];
  assertRefused(await post(url(), JSON.stringify({ inputs }), 'application/json'), 415, 'unsupported_type');
});

test('bodies that are empty, no form, no JSON, no base64, or hold too many files', async () => {
  const json = (value: unknown) => post(url(), JSON.stringify(value), 'application/json');
  assertRefused(await post(url(), ''), 400, 'empty_body');
  assertRefused(await post(url(), '{"inputs": [', 'application/json'), 400, 'bad_body');
  for (const value of [
    {},
    null,
    [],
    7,
    { inputs: [] },
    { inputs: [7] },
    { inputs: [null] },
    { inputs: ['*not base64*'] },
  ])
    assertRefused(await json(value), 400, 'bad_body');
  assertRefused(await post(url(), 'nothing', 'multipart/form-data'), 400, 'bad_body');
  assertRefused(await post(url(), 'nothing', 'multipart/form-data; boundary=x'), 400, 'bad_body');
  assertRefused(await json({ inputs: Array(4).fill(png.toString('base64')) }), 413, 'too_many_inputs');
  const form = (count: number, field: Blob | string) => {
    const data = new FormData();
    for (let i = 0; i < count; i++) data.append('file', field as Blob);
    return data;
  };
  assertRefused(await post(url(), form(4, new Blob([new Uint8Array(png)]))), 413, 'too_many_inputs');
  assertRefused(await post(url(), form(1, 'text')), 400, 'bad_body');
  const mixed = form(1, new Blob([new Uint8Array(png)]));
  mixed.append('file', new Blob(['no image']), 'bad.png');
  const refused = await post(url(), mixed);
  assertRefused(refused, 415, 'unsupported_type');
  assert.match(refused.json.error.message, /^Input 2 \("bad\.png"\): /);
});

test('a body with more bytes than are taken: from its length, or counted where that is missing', async () => {
  assertRefused(await post(url(), Buffer.alloc(20_001)), 413, 'body_too_large');
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(10_000)) });
  const { socket, closed } = dial(server.port);
  socket.write('POST /v1/embed HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n');
  const chunk = `${(4096).toString(16)}\r\n${'x'.repeat(4096)}\r\n`;
  const reader = endless.getReader();
  let sent = 0;
  const more = setInterval(async () => {
    await reader.read();
    if (socket.writable) socket.write(chunk);
    sent += chunk.length;
  }, 5);
  const text = await closed;
  clearInterval(more);
  assert.match(text, /^HTTP\/1\.1 413 [\s\S]*connection: close[\s\S]*body_too_large/i);
  assert.ok(sent < 2e6, 'the connection was left open');
  await answers();
});

test('a client that asks before it sends is told no before it does, or to go on', async () => {
  const ask = (length: number) =>
    `POST /v1/embed HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: ${length}\r\nexpect: 100-continue\r\n\r\n`;
  const large = dial(server.port);
  large.socket.write(ask(1e9));
  assert.match(await large.closed, /^HTTP\/1\.1 413 /);
  const small = dial(server.port);
  small.socket.write(ask(png.length));
  await new Promise((resolve) => small.socket.once('data', resolve));
  assert.match(small.received(), /^HTTP\/1\.1 100 /);
  small.socket.write(png);
  while (!small.received().includes('embedding')) await new Promise((resolve) => small.socket.once('data', resolve));
  small.socket.destroy();
});

test('an image with too many pixels is refused from its header, however small the file', async () => {
  assertRefused(await post(url(), await picture(0, 40, 26)), 413, 'too_many_pixels');
  // A JPEG of a few hundred bytes whose header claims to be large.
  const small = await picture(0, 16, 16, 'jpeg');
  let frame = 2;
  while (small[frame + 1] !== 0xc0) frame += 2 + small.readUInt16BE(frame + 2);
  for (const side of [2000, 20_000, 65_500]) {
    const bomb = Buffer.from(small);
    for (const at of [5, 7]) bomb.writeUInt16BE(side, frame + at);
    assertRefused(await post(url(), bomb, 'image/jpeg'), 413, 'too_many_pixels');
  }
});

test('what is no HTTP, or has too many headers, is answered and closed', async () => {
  const junk = dial(server.port);
  junk.socket.write('\x16\x03\x01 hello\r\n\r\n');
  assert.match(await junk.closed, /^HTTP\/1\.1 400 [\s\S]*"bad_request"/);
  const long = dial(server.port);
  long.socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'y'.repeat(20_000)}\r\n\r\n`);
  assert.match(await long.closed, /^HTTP\/1\.1 431 [\s\S]*"headers_too_large"/);
  const chunks = dial(server.port);
  chunks.socket.write(
    'POST /v1/embed HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  );
  assert.match(await chunks.closed, /^HTTP\/1\.1 400 /);
  await answers();
});

test('every request is one entry of the log, with the id that its answer carries', async () => {
  server.log.length = 0;
  const id = 'my-own.id:7';
  const { headers } = await post(url('/v1/classify?top=1'), png, 'image/png', { 'x-request-id': id });
  assert.equal(headers.get('x-request-id'), id);
  const broken = await post(url('/v1/classify?top=0'), png, 'image/png', { 'x-request-id': 'no\tgood' });
  const [first, second] = server.log;
  assert.deepEqual(
    [first.id, first.method, first.path, first.status, first.inputs],
    [id, 'POST', '/v1/classify', 200, 1],
  );
  assert.ok(first.milliseconds! > 0 && first.bytes! > 20 && !Number.isNaN(Date.parse(first.time)));
  assert.deepEqual([second.id, second.status, second.code], [broken.headers.get('x-request-id'), 400, 'bad_query']);
});
