/**
 * Load on `hip serve`: good requests from autocannon with 1 % bad ones among them; beside them bodies of 21 MB each second,
 * slow-loris clients, and bodies of 1 GB. Prints how requests fared and the server's memory over time; exits 1 where one got another status than it
 * should, or memory grew.
 *
 *   npm install --prefix /tmp/load autocannon
 *   npm run build && node dist/scripts/serveLoad.js --autocannon /tmp/load --minutes 10
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { freshCheckpoint, imageReader } from '../bench/freshCheckpoint.js';
import { describeMachine, machineLine } from '../bench/machine.js';
import { formatTable } from '../src/cli/table.js';
import { keyFrom, uniform } from '../src/random/index.js';

const { values: options } = parseArgs({
  options: {
    autocannon: { type: 'string' },
    model: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    connections: { type: 'string', default: '8' },
    rate: { type: 'string' },
    loris: { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});

/** One kind of request of the mix, and the status that it must get. */
interface Shot {
  title: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
  wanted: number;
}

/** The part of autocannon that is used. */
type Autocannon = (options: object) => Run;
interface Run extends Promise<{ errors: number; timeouts: number; requests: { total: number; average: number } }> {
  on(event: 'response', listener: (client: unknown, status: number, bytes: number, time: number) => void): void;
}

const seconds = 60 * Number(options.minutes);
const scratch = await mkdtemp(join(tmpdir(), 'hip-serve-load-'));
const server = await startServer();
try {
  process.exitCode = await measure();
} finally {
  server.child.kill('SIGTERM');
  await new Promise((done) => server.child.once('exit', done));
  await rm(scratch, { recursive: true, force: true });
}

/** Runs the load and prints the table. Returns the exit code. */
async function measure(): Promise<number> {
  const autocannon = loadAutocannon();
  const outcomes = new Map<string, Map<number, number>>();
  const times: number[] = [];
  const memory: { at: number; rss: number; queue: number }[] = [];
  const mix = await shots();
  const start = performance.now();
  const fire = (shots: Shot[], connections: number, rate: string | undefined) =>
    autocannon({
      ...{ url: server.url, connections, duration: seconds, timeout: 30 },
      ...(rate ? { overallRate: Number(rate) } : {}),
      requests: shots.map(({ title, wanted: _, headers, ...request }) => ({
        ...request,
        // The answer carries it back, which tells for certain what it belongs to.
        headers: { ...headers, 'x-request-id': title.replaceAll(' ', '_') },
        onResponse: (status: number, _body: string, _context: object, answered: Record<string, string>) => {
          const id = answered['x-request-id'];
          const seen = outcomes.get(id) ?? new Map<number, number>();
          outcomes.set(id, seen.set(status, (seen.get(status) ?? 0) + 1));
        },
      })),
    });
  const run = fire(mix, Number(options.connections), options.rate);
  // Apart from the others: where a server closes a connection, autocannon measures the times of later answers wrongly.
  const large = largeBody();
  const closing = fire([large], 1, '1');
  run.on('response', (_client, status, _bytes, time) => {
    if (status === 200) times.push(time);
  });
  const hostile = new AbortController();
  setMaxListeners(0, hostile.signal);
  const loris = slowLoris(Number(options.loris), hostile.signal);
  const giants = giantBodies(hostile.signal);
  const sampler = setInterval(async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    const at = (performance.now() - start) / 1000;
    memory.push({ at, rss: read('process_resident_memory_bytes'), queue: read('hip_queue_length') });
  }, 5000);
  const [result, closed] = await Promise.all([run, closing]);
  clearInterval(sampler);
  hostile.abort();
  const [lorisAnswers, giantAnswers] = await Promise.all([loris, giants]);
  const summary = {
    machine: machineLine(describeMachine()),
    seconds,
    connections: Number(options.connections),
    requests: result.requests.total + closed.requests.total,
    requestsPerSecond: times.length / seconds,
    milliseconds: Object.fromEntries([50, 90, 99, 99.9, 100].map((p) => [`p${p}`, percentile(times, p)])),
    outcomes: Object.fromEntries([...outcomes].map(([title, seen]) => [title, Object.fromEntries(seen)])),
    connectionErrors: result.errors + closed.errors,
    timeouts: result.timeouts + closed.timeouts,
    slowLoris: lorisAnswers,
    gigabyteBodies: giantAnswers,
    memory: memoryOf(memory),
  };
  const wanted = new Map([...mix, large].map(({ title, wanted }) => [title.replaceAll(' ', '_'), wanted]));
  const wrong = [...outcomes].flatMap(([title, seen]) =>
    [...seen]
      .filter(([status]) => status !== wanted.get(title))
      .map(([status, count]) => `${title}: ${count} x ${status}`),
  );
  const grew = summary.memory.end > 1.15 * summary.memory.start + 30e6;
  if (options.json) console.log(JSON.stringify({ ...summary, wrong, grew }, undefined, 2));
  else print(summary, wrong);
  return wrong.length > 0 || grew ? 1 : 0;
}

function print(summary: { [key: string]: unknown }, wrong: string[]): void {
  const rows = Object.entries(summary).map(([name, value]) => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  console.log(formatTable(rows));
  console.log(wrong.length === 0 ? 'Every request got the status that it should.' : `Wrong: ${wrong.join('; ')}`);
}

/** RSS in bytes: after a warm-up, in the middle, at the end (medians of five samples), and the most. */
function memoryOf(samples: { at: number; rss: number; queue: number }[]) {
  const window = (from: number) => {
    const part = samples.slice(from, from + 5).map(({ rss }) => rss);
    return percentile(part, 50);
  };
  const warm = Math.min(samples.length - 1, Math.max(0, Math.round(samples.length / 20)));
  return {
    start: window(warm),
    middle: window(Math.floor(samples.length / 2)),
    end: window(Math.max(0, samples.length - 5)),
    most: Math.max(...samples.map(({ rss }) => rss)),
    longestQueue: Math.max(...samples.map(({ queue }) => queue)),
  };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Number(
    (sorted[Math.min(sorted.length - 1, Math.floor((share / 100) * sorted.length))] ?? Number.NaN).toFixed(2),
  );
}

/** Larger than the server takes. */
function largeBody(): Shot {
  const headers = { 'content-type': 'image/jpeg' };
  return { title: '21 MB body', method: 'POST', path: '/v1/embed', headers, body: Buffer.alloc(21e6), wanted: 413 };
}

/** 300 requests: 297 good ones of every kind, and three bad ones that leave the connection open. */
async function shots(): Promise<Shot[]> {
  const pictures = await Promise.all([0, 1, 2, 3].map((seed) => photograph(seed, 360 + 40 * seed, 480)));
  const jpeg = { 'content-type': 'image/jpeg' };
  const good = (title: string, path: string, headers: Record<string, string>, body: Buffer): Shot => {
    return { title, method: 'POST', path, headers, body, wanted: 200 };
  };
  const form = new FormData();
  for (const picture of pictures)
    form.append('file', new Blob([new Uint8Array(picture)], { type: 'image/jpeg' }), 'a.jpg');
  const sent = new Response(form);
  const formBody = Buffer.from(await sent.arrayBuffer());
  const formHeaders = { 'content-type': sent.headers.get('content-type')! };
  const inputs = pictures.slice(0, 2).map((bytes) => bytes.toString('base64'));
  const json = Buffer.from(JSON.stringify({ inputs }));
  const kinds = [
    ...pictures.map((body) => good('embed', '/v1/embed', jpeg, body)),
    ...pictures.map((body) => good('classify', '/v1/classify?top=3', jpeg, body)),
    good('form of 4', '/v1/embed', formHeaders, formBody),
    good('JSON of 2', '/v1/classify', { 'content-type': 'application/json' }, json),
  ];
  const mix = Array.from({ length: 300 }, (_, i) => kinds[i % kinds.length]);
  const cut = pictures[0].subarray(0, pictures[0].length >> 1);
  mix[50] = { ...good('truncated JPEG', '/v1/embed', jpeg, cut), wanted: 422 };
  mix[150] = { ...good('no image', '/v1/classify', jpeg, Buffer.from('not a picture')), wanted: 422 };
  mix[250] = { ...good('wrong type', '/v1/embed', { 'content-type': 'text/plain' }, pictures[0]), wanted: 415 };
  return mix;
}

/** A smooth picture with some noise, of a photograph's size as JPEG. */
async function photograph(seed: number, height: number, width: number): Promise<Buffer> {
  const random = uniform(keyFrom(seed), height * width + 3);
  const pixels = Buffer.alloc(height * width * 3);
  for (let p = 0; p < height * width; p++) {
    const [y, x] = [Math.floor(p / width) / height, (p % width) / width];
    const noise = 12 * random[p];
    for (let c = 0; c < 3; c++) pixels[3 * p + c] = 110 + 90 * Math.sin(6 * (x * random.at(-1 - c)! + y) + c) + noise;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** Keeps `count` connections that send a byte now and then; counts how they end. */
async function slowLoris(count: number, signal: AbortSignal): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  const { port } = new URL(server.url);
  const one = (isBody: boolean) =>
    new Promise<void>((done) => {
      const socket = connect(Number(port), '127.0.0.1');
      let text = '';
      const head = 'POST /v1/embed HTTP/1.1\r\nhost: x\r\n';
      socket.write(isBody ? `${head}content-type: image/jpeg\r\ncontent-length: 50000\r\n\r\n` : head);
      const drip = setInterval(() => socket.writable && socket.write(isBody ? 'x' : 'x-slow: 1\r\n'), 1000);
      const stop = () => socket.destroy();
      signal.addEventListener('abort', stop);
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(drip);
        signal.removeEventListener('abort', stop);
        if (!signal.aborted) {
          const end = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'closed';
          ends[end] = (ends[end] ?? 0) + 1;
        }
        done();
      });
    });
  const again = async (isBody: boolean) => {
    while (!signal.aborted) await one(isBody);
  };
  await Promise.all(Array.from({ length: count }, (_, i) => again(i % 2 === 0)));
  return ends;
}

/** Every half minute a body of 1 GB, in turns with its length told and in chunks; counts the answers, and the bytes sent. */
async function giantBodies(signal: AbortSignal): Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  const { port } = new URL(server.url);
  const block = Buffer.alloc(2 ** 16);
  for (let i = 0; !signal.aborted; i++) {
    const chunked = i % 2 === 1;
    const end = await new Promise<string>((done) => {
      const socket = connect(Number(port), '127.0.0.1');
      let [text, left] = ['', 1e9];
      const length = chunked ? 'transfer-encoding: chunked' : 'content-length: 1000000000';
      socket.write(`POST /v1/embed HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\n${length}\r\n\r\n`);
      const send = () => {
        while (left > 0 && socket.writable) {
          left -= block.length;
          if (chunked) socket.write('10000\r\n');
          const goesOn = socket.write(block);
          if (chunked) socket.write('\r\n');
          if (!goesOn) return;
        }
      };
      socket.on('connect', send).on('drain', send);
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => done(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'closed without an answer'));
    });
    answers[end] = (answers[end] ?? 0) + 1;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, 30_000);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        done();
      });
    });
  }
  return answers;
}

/** `hip serve` on a fresh small classifier (or `--model`), in a process of its own, with its log in a file. */
async function startServer(): Promise<{ child: ChildProcess; url: string }> {
  const model = options.model ?? join(scratch, 'model');
  if (!options.model) {
    const classes = Array.from({ length: 10 }, (_, i) => `class ${i}`);
    await freshCheckpoint(model, { reader: imageReader(32, 32), classes });
  }
  const script = new URL('../src/cli/process.js', import.meta.url).href;
  const code = `import(${JSON.stringify(script)}).then((m) => m.runProcess(process.argv.slice(1)))`;
  const child = spawn(process.execPath, ['-e', code, '--', 'serve', model, '--port', '0', '--json']);
  child.stderr.pipe(createWriteStream(join(scratch, 'log')));
  let out = '';
  for await (const data of child.stdout) {
    out += data;
    if (out.trimEnd().endsWith('}')) break;
  }
  return { child, url: JSON.parse(out).url };
}

function loadAutocannon(): Autocannon {
  const from = options.autocannon ? join(resolve(options.autocannon), 'package.json') : import.meta.url;
  try {
    return createRequire(from)('autocannon');
  } catch {
    console.error(
      'autocannon is not here: "npm install --prefix /tmp/load autocannon", then add --autocannon /tmp/load.',
    );
    process.exit(1);
  }
}
