/** Property tests: whatever was done to a body, its answer is a result or one sentence. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { fakeModel, picture, post, serve } from './servers.js';

let server: Awaited<ReturnType<typeof serve>>;
let png: Buffer;
before(async () => {
  [server, png] = [await serve(fakeModel(), { maxPixels: 1e6 }), await picture()];
});
const url = (path: string) => server.url + path;

test('damaged images are refused or decoded, and never anything else: cut at any byte, bytes flipped', async () => {
  const [whole] = await Promise.all([picture(5, 20, 20, 'jpeg')]);
  const files: [Buffer, string][] = [
    [png, 'image/png'],
    [whole, 'image/jpeg'],
    [await picture(6, 20, 20, 'webp'), 'image/webp'],
  ];
  for (const [bytes, type] of files) {
    for (let i = 0; i < 25; i++) {
      const cut = bytes.subarray(0, Math.floor((i / 25) * bytes.length));
      const flipped = Buffer.from(bytes);
      flipped[(i * 7919) % bytes.length] ^= 1 << (i % 8);
      for (const damaged of [cut, flipped]) {
        const answer = await post(url('/v1/embed'), damaged, type);
        if (answer.status === 200) continue;
        assert.ok([400, 413, 422].includes(answer.status), `${type} ${i}: ${JSON.stringify(answer.json)}`);
        assert.match(answer.json.error.message, /^[^\n]*[.?]$/);
      }
    }
  }
  const refused = await post(url('/v1/embed'), whole.subarray(0, 300), 'image/jpeg');
  assert.deepEqual([refused.status, refused.json.error.code], [422, 'undecodable']);
  // The bytes decide, as in browsers: a JPEG that calls itself PNG is still an image.
  assert.equal((await post(url('/v1/embed'), whole, 'image/png')).status, 200);
  assert.equal((await post(url('/v1/embed'), 'no image at all', 'image/png')).status, 422);
});

test('damaged forms and JSON are refused or read, and never anything else', async () => {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'a.png');
  const sent = new Response(form);
  const type = sent.headers.get('content-type')!;
  const bodies: [Buffer, string][] = [
    [Buffer.from(await sent.arrayBuffer()), type],
    [Buffer.from(JSON.stringify({ inputs: [png.toString('base64')] })), 'application/json'],
  ];
  for (const [bytes, type] of bodies) {
    for (let i = 0; i < 25; i++) {
      const cut = bytes.subarray(0, Math.floor((i / 25) * bytes.length));
      const flipped = Buffer.from(bytes);
      flipped[(i * 7919) % bytes.length] ^= 1 << (i % 8);
      for (const damaged of [cut, flipped]) {
        const { status, json } = await post(url('/v1/embed'), damaged, type);
        assert.ok([200, 400, 413, 415, 422].includes(status), `${type} ${i}: ${JSON.stringify(json)}`);
      }
    }
  }
});
