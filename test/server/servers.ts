/** Servers that end with the tests, pictures to send to them, and models that need no engine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import sharp from 'sharp';
import { freshCheckpoint, imageReader } from '../../bench/freshCheckpoint.js';
import {
  type LogEntry,
  openModel,
  type RunningServer,
  type ServedModel,
  type ServeOptions,
  startServer,
} from '../../src/server/index.js';
import { noise } from '../data/fixtures.js';
import { smallHip } from '../smallHip.js';

const scratch = mkdtempSync(join(tmpdir(), 'hip-server-'));
const servers: RunningServer[] = [];
after(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(scratch, { recursive: true, force: true });
});

/** A path in a folder that goes when the tests end. */
export const path = (name: string): string => join(scratch, name);

/** A checkpoint of a small HiP on 8 x 8 x 3. */
export async function smallCheckpoint(
  name: string,
  options: Partial<Parameters<typeof freshCheckpoint>[1]> = {},
): Promise<string> {
  const model = { name: 'hip', variant: 'tiny', config: smallHip } as const;
  await freshCheckpoint(path(name), { reader: imageReader(8, 8), model, ...options });
  return path(name);
}

/** A checkpoint or file, opened for batches of 4 on one thread. */
export const open = (file: string): Promise<ServedModel> => openModel(file, { threads: 1, batchSize: 4 });

/** A server on a free port, with its log. */
export async function serve(
  model: ServedModel,
  options: Partial<ServeOptions> = {},
): Promise<RunningServer & { log: LogEntry[] }> {
  const log: LogEntry[] = [];
  const server = await startServer(model, { port: 0, ...options }, (entry) => log.push(entry));
  servers.push(server);
  return { ...server, log };
}

/** A classifier of 4 x 4 x 3 whose probability is the first pixel; it takes `milliseconds` for a batch. */
export function fakeModel({ milliseconds = 0, batches = [] as number[] } = {}): ServedModel {
  return {
    path: 'fake',
    name: 'fake/model',
    tasks: ['embed', 'classify'],
    modalities: [{ name: 'image', indexShape: [4, 4], channels: 3 }],
    reader: { kind: 'image', imageSize: [4, 4], channels: 3, crop: 'center', flip: false, mean: [0], std: [1] },
    classes: ['dark', 'light'],
    batchSize: 1,
    embed: ({ signals }) => ({ program: 'embed', feeds: signals }),
    classify: ({ signals }) => ({ program: 'classify', feeds: signals }),
    reconstruct: () => {
      throw new Error('not a decoder');
    },
    async run(_program, examples) {
      batches.push(examples.length);
      await new Promise((done) => setTimeout(done, milliseconds));
      return examples.map(({ image }) => ({
        features: Float32Array.of(image[0]),
        probabilities: Float32Array.of(1 - image[0], image[0]),
      }));
    },
    async probe() {},
    async close() {},
  };
}

/** An encoded picture of noise. */
export function picture(seed = 0, height = 9, width = 12, type: 'png' | 'jpeg' | 'webp' = 'png'): Promise<Buffer> {
  return sharp(noise(seed, height, width, 3), { raw: { width, height, channels: 3 } })
    .toFormat(type)
    .toBuffer();
}

/** An answer with its JSON read. */
export interface Answer {
  status: number;
  headers: Headers;
  json: any;
}

/** Posts bytes of a type. */
export async function post(
  url: string,
  body: Uint8Array | string | FormData,
  type: string | undefined = 'image/png',
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    body: body instanceof Uint8Array ? new Uint8Array(body) : body,
    headers: { ...(type && !(body instanceof FormData) ? { 'content-type': type } : {}), ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text.startsWith('{') ? JSON.parse(text) : text };
}

/** A bare connection: what it received, and when it was closed. */
export function dial(port: number): { socket: Socket; received: () => string; closed: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('latin1');
  });
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  return { socket, received: () => text, closed };
}
