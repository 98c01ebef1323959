/**
 * Where ONNX Runtime puts the nodes of a WebGPU graph. A node without a kernel there runs on the CPU, silently, with a
 * copy each way: correct, and often slower than no GPU at all. Node only.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HiperceiverError } from '../errors/index.js';
import { type Graph, optimize, toOnnx } from '../graph/index.js';
import { reasonFor } from './explain.js';

/** How many nodes run where, and which do not run on the GPU. */
export interface Placement {
  gpu: number;
  cpu: number;
  /** Operators on the CPU and copies between the two, by name, each with its number. */
  misplaced: Record<string, number>;
}

/** Lines of the verbose log: a provider with its number of nodes, and under it, where there are several, its nodes. */
const PROVIDER = /(?:All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/;
const NODE = /VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \(/;

/**
 * Makes a session of the graph, in a process of its own, and reads where its nodes went.
 * @param environment variables set for the trial, such as VK_ICD_FILENAMES
 * @throws HiperceiverError where WebGPU does not work, or the log does not tell
 */
export async function placementOf(graph: Graph, environment: Record<string, string> = {}): Promise<Placement> {
  const log = await sessionLog(toOnnx(optimize(graph), { target: 'webgpu' }), environment);
  return readPlacement(log);
}

/** Reads the placement out of a session's verbose log. */
export function readPlacement(log: string): Placement {
  const placement: Placement = { gpu: 0, cpu: 0, misplaced: {} };
  let provider = '';
  for (const line of log.split('\n')) {
    const heading = PROVIDER.exec(line);
    if (heading) {
      provider = heading[1];
      placement[provider === 'WebGpuExecutionProvider' ? 'gpu' : 'cpu'] += Number(heading[2]);
      continue;
    }
    const operator = NODE.exec(line)?.[1];
    if (operator === undefined || provider === '') continue;
    if (provider !== 'WebGpuExecutionProvider' || operator.startsWith('Memcpy'))
      placement.misplaced[operator] = (placement.misplaced[operator] ?? 0) + 1;
  }
  if (provider === '') throw new HiperceiverError('ONNX Runtime did not log where it put the nodes of the graph.');
  return placement;
}

/** The log goes through a file: a pipe that is full takes no more, and ONNX Runtime gives up writing. */
async function sessionLog(model: Uint8Array, environment: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hip-placement-'));
  try {
    const path = join(folder, 'log');
    const log = await open(path, 'w');
    try {
      await probe(model, environment, log.fd);
    } finally {
      await log.close();
    }
    return await readFile(path, 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs `placementProbe.ts`, its standard error in an open file. */
function probe(model: Uint8Array, environment: Record<string, string>, log: number): Promise<void> {
  const script = fileURLToPath(new URL('./placementProbe.js', import.meta.url));
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [script], { env, stdio: ['pipe', 'pipe', log] });
  let failure = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    failure += text;
  });
  // A child that ended early leaves a broken pipe; the way it ended is told below.
  child.stdin?.on('error', () => {});
  child.stdin?.end(model);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      if (failure === '') resolve();
      else reject(new HiperceiverError(`webgpu: ${reasonFor(failure, 'webgpu')}`));
    });
  });
}
