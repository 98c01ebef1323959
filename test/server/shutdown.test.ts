/** The end of a server: what runs is finished, nothing new begins, and the process ends with 0. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { before, test } from 'node:test';
import { hip } from '../cli/program.js';
import { dial, fakeModel, picture, post, serve, smallCheckpoint } from './servers.js';

let png: Buffer;
let checkpoint: string;
before(async () => {
  [png, checkpoint] = await Promise.all([picture(), smallCheckpoint('model', { classes: ['a', 'b'] })]);
});

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

test('closing finishes what runs, takes nothing more, and drops idle connections', async () => {
  const server = await serve(fakeModel({ milliseconds: 200 }));
  const idle = dial(server.port);
  idle.socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
  while (!idle.received().includes('ready')) await pause(5);
  const running = post(`${server.url}/v1/embed`, png);
  await pause(50);
  const closed = server.close();
  await pause(20);
  await assert.rejects(fetch(`${server.url}/health`));
  const { status, headers } = await running;
  assert.deepEqual([status, headers.get('connection')], [200, 'close']);
  await closed;
  await idle.closed;
});

test('who does not finish in time is cut off', async () => {
  const server = await serve(fakeModel(), { timeout: 0.4 });
  const slow = dial(server.port);
  slow.socket.write('POST /v1/embed HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: 100\r\n\r\nx');
  await pause(50);
  const start = performance.now();
  await server.close();
  assert.match(await slow.closed, /^HTTP\/1\.1 408 /);
  assert.ok(performance.now() - start < 2500);
});

/** `hip serve` in a process of its own. */
async function serveProcess(...options: string[]): Promise<{ child: ChildProcess; url: string; err: () => string }> {
  const script = new URL('../../src/cli/process.js', import.meta.url).href;
  const code = `import(${JSON.stringify(script)}).then((m) => m.runProcess(process.argv.slice(1)))`;
  const child = spawn(process.execPath, ['-e', code, '--', 'serve', checkpoint, '--port', '0', ...options]);
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  while (!out.includes('\n')) {
    assert.equal(child.exitCode, null, err);
    await pause(20);
  }
  return { child, url: /http:\S+/.exec(out)![0].replace(/[",]/g, ''), err: () => err };
}

test('SIGTERM finishes a request that is half here and ends with 0; the log is JSON lines', async () => {
  const { child, url, err } = await serveProcess('--threads', '1');
  assert.equal((await post(`${url}/v1/classify`, png)).status, 200);
  const half = dial(Number(new URL(url).port));
  half.socket.write(
    `POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: ${png.length}\r\n\r\n`,
  );
  half.socket.write(png.subarray(0, 100));
  await pause(100);
  child.kill('SIGTERM');
  while (!err().includes('Finishing')) await pause(5);
  half.socket.write(png.subarray(100));
  assert.match(await half.closed, /^HTTP\/1\.1 200 [\s\S]*"probability"/);
  const [code] = await once(child, 'close');
  assert.equal(code, 0, err());
  const lines = err().trim().split('\n');
  assert.match(lines.find((line) => !line.startsWith('{'))!, /^Finishing what is running/);
  const entries = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  assert.deepEqual(
    entries.map(({ path, status }) => [path, status]),
    [
      ['/v1/classify', 200],
      ['/v1/classify', 200],
    ],
  );
});

test('a second Ctrl-C ends at once; --json tells the address, --quiet logs nothing', async () => {
  const { child, url, err } = await serveProcess('--threads', '1', '--json', '--quiet');
  assert.equal((await post(`${url}/v1/embed`, png)).status, 200);
  const half = dial(Number(new URL(url).port));
  half.socket.write('POST /v1/embed HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: 99\r\n\r\nx');
  await pause(100);
  child.kill('SIGINT');
  await pause(200);
  assert.equal(child.exitCode, null);
  child.kill('SIGINT');
  const [code] = await once(child, 'close');
  assert.deepEqual([code, err()], [130, '']);
});

test('what makes no sense on the command line is one sentence', async () => {
  const said = async (...argv: string[]) => {
    const { code, err } = await hip('serve', ...argv);
    assert.ok(code === 1 || code === 2);
    return err.split('\n')[0];
  };
  assert.match(await said('nowhere'), /nowhere does not exist/);
  assert.match(await said('nowhere.onnx'), /nowhere\.onnx/);
  assert.match(await said(checkpoint, '--max-body', 'huge'), /--max-body must be a number such as 20mb/);
  assert.match(await said(checkpoint, '--port', '99999'), /--port must be a whole number of 0 to 65535/);
  assert.match(await said(checkpoint, '--batch-size', '0'), /--batch-size must be a whole number of at least 1/);
  assert.match(await said(checkpoint, '--max-queue', '2'), /--max-queue must be at least --max-inputs \(32\)/);
  assert.match(await said(checkpoint, '--host', '203.0.113.7', '--threads', '1'), /203\.0\.113\.7 is no address of/);
  const taken = await serve(fakeModel());
  assert.match(
    await said(checkpoint, '--port', `${taken.port}`, '--threads', '1'),
    /^error: Port \d+ is in use: choose/,
  );
});
