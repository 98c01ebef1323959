/** The peer's side of the protocol of `peerProcess.ts`, for peers that are written in TypeScript. */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { readSafetensors, toFloat32, writeSafetensors } from '../../src/checkpoint/index.js';
import type { BlockSpec, BlockTensor } from '../block.js';
import type { Answer } from './peerProcess.js';

/** What a peer of the table `blocks` is told. */
export interface BlockPeerSpec {
  block: BlockSpec;
  /** Safetensors file with the input and the parameters. */
  file: string;
  /** Folder whose `node_modules` holds the peer's package: peers are no dependencies of the project. */
  folder: string;
}

/** A block as a peer computes it. */
export interface BlockPeer {
  version: string;
  /** What it runs on, in words. */
  device: string;
  /** One forward pass, waited for. */
  forward(): Promise<void>;
  /** Gradient of the mean square of the output with respect to all parameters, waited for. */
  gradient(): Promise<void>;
  output(): Promise<Float32Array>;
}

/** Reads what to do, makes the peer, says what it is, and answers commands until the input ends. */
export async function serve(
  make: (spec: BlockPeerSpec, tensors: Map<string, BlockTensor>) => Promise<BlockPeer>,
): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const spec = JSON.parse((await lines.next()).value) as BlockPeerSpec;
  const stored = (await readSafetensors(spec.file)).tensors;
  const tensors = new Map([...stored].map(([name, t]) => [name, { shape: t.shape, values: toFloat32(t) }]));
  const peer = await make(spec, tensors);
  answer({ version: peer.version, device: peer.device });
  for (;;) {
    const { value, done } = await lines.next();
    if (done) return;
    const [command, file] = value.split(' ');
    if (command === 'forward' || command === 'gradient') answer(await timedRun(() => peer[command]()));
    if (command === 'save') {
      const data = await peer.output();
      await writeSafetensors(file, [['output', { dtype: 'F32', shape: [data.length], data }]]);
      answer({});
    }
  }
}

/** Loads a package from the peers' folder. */
export async function importFrom(folder: string, name: string): Promise<{ module: unknown; version: string }> {
  const require = createRequire(join(resolve(folder), 'package.json'));
  const module = await import(pathToFileURL(entryOf(require, name)).href);
  const { version } = JSON.parse(await readText(join(resolve(folder), 'node_modules', name, 'package.json')));
  return { module, version };
}

function entryOf(require: NodeJS.Require, name: string): string {
  // What `require` finds is the CommonJS entry where there are two; both export the same names.
  return require.resolve(name);
}

async function readText(path: string): Promise<string> {
  return (await import('node:fs/promises')).readFile(path, 'utf8');
}

async function timedRun(run: () => Promise<void>): Promise<Answer> {
  const start = performance.now();
  try {
    await run();
    return { ms: performance.now() - start };
  } catch (error) {
    return { failure: (error as Error).message.split('\n')[0] };
  }
}

function answer(value: Answer): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
