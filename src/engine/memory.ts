/** Memory: how much programs will need and how much there is. Node only. */
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { type Graph, optimize, type Tensor } from '../graph/index.js';
import { Arena, type Chunk } from './arena.js';
import { elementwisePlan } from './elementwise/index.js';
import { bytesOf, executionOrder, storagePlan } from './executionPlan.js';
import type { DeviceName, Residency } from './types.js';

/** Bytes that programs take on top of a process without an engine. */
export interface MemoryEstimate {
  /** The most at any one time: the sum of the following. */
  peak: number;
  /** Named buffers; those that one program reads and writes exist twice, unless it works in place. */
  resident: number;
  /** Intermediate values while running. */
  activations: number;
  /** Inputs that are fed, and outputs that are returned, on both sides of the worker. */
  transfers: number;
  /** Constants of the graphs. */
  constants: number;
  /** The engine itself. */
  overhead: number;
}

const MB = 1e6;
/** Measured on Linux x64: worker thread, ONNX Runtime's code and thread pool. */
const ENGINE_OVERHEAD: Record<DeviceName, number> = { cpu: 45 * MB, wasm: 135 * MB, webgpu: 120 * MB, reference: 0 };
/** Session of one program, and what its kernels take for packing and partial sums. */
const PROGRAM_OVERHEAD = 8 * MB;
/** Measured activations over planned ones: fusions change the order a little. */
const ARENA_SLACK = 1.1;
/** Copies of what is fed or returned: the caller's, the message's, and one that waits for garbage collection. */
const TRANSFER_COPIES = 3;

/** Estimate for one graph alone: see {@link estimatePrograms}. */
export function estimateMemory(graph: Graph, residency: Residency = {}, device: DeviceName = 'cpu'): MemoryEstimate {
  return estimatePrograms([{ graph, residency }], device);
}

/**
 * Estimate for programs of one engine that are compiled side by side and share their named buffers. Each keeps the memory
 * of its activations between runs, or gives it back for the next (`returnsMemory`). For `webgpu` it is the GPU's memory and the process's together.
 */
export function estimatePrograms(
  programs: readonly { graph: Graph; residency?: Residency }[],
  device: DeviceName = 'cpu',
): MemoryEstimate {
  const buffers = new Map<string, number>();
  let [returned, passing] = [0, 0];
  const parts = { resident: 0, activations: 0, transfers: 0, constants: 0, overhead: ENGINE_OVERHEAD[device] };
  for (const { graph, residency = {} } of programs) {
    const small = optimize(graph);
    const [inputs, outputs] = [residency.inputs ?? {}, residency.outputs ?? {}];
    const worksInPlace = device === 'cpu' && elementwisePlan(small, residency) !== undefined;
    const read = new Set(
      Object.keys(inputs)
        .filter((name) => small.inputs.has(name))
        .map((name) => inputs[name]),
    );
    const count = (
      all: ReadonlyMap<string, Tensor>,
      names: Record<string, string>,
      copies: (buffer: string) => number,
    ) => {
      for (const [name, t] of all) {
        const buffer = names[name];
        if (buffer === undefined) parts.transfers += TRANSFER_COPIES * bytesOf(t);
        else buffers.set(buffer, Math.max(buffers.get(buffer) ?? 0, copies(buffer) * bytesOf(t)));
        // WebAssembly sees copies in its own memory alone.
        if (device === 'wasm') parts.activations += bytesOf(t);
      }
    };
    count(small.inputs, inputs, () => 1);
    count(small.outputs, outputs, (buffer) => (read.has(buffer) && !worksInPlace ? 2 : 1));
    if (worksInPlace) {
      passing = Math.max(passing, consumedBytes(small, residency));
      continue;
    }
    const activations = ARENA_SLACK * activationBytes(small);
    if (residency.returnsMemory) returned = Math.max(returned, activations);
    else parts.activations += activations;
    // The file, and ONNX Runtime's copy of its data.
    for (const node of small.nodes)
      if (node.operator.name === 'constant') parts.constants += 2 * bytesOf(node.outputs[0]);
    parts.overhead += PROGRAM_OVERHEAD;
  }
  parts.activations += returned;
  // What programs consume lies in the same place for all of them.
  const consumed = new Set(programs.flatMap(({ residency }) => residency?.consumes ?? []));
  for (const [name, bytes] of buffers) if (passing === 0 || !consumed.has(name)) parts.resident += bytes;
  parts.resident += passing;
  return { peak: Object.values(parts).reduce((a, b) => a + b), ...parts };
}

function consumedBytes({ inputs }: Graph, { inputs: names = {}, consumes = [] }: Residency): number {
  const consumed = new Set(consumes);
  return [...inputs].reduce((total, [name, t]) => total + (consumed.has(names[name]) ? bytesOf(t) : 0), 0);
}

/** What the arena of a session comes to hold for the intermediate values of an optimised graph. */
function activationBytes(graph: Graph): number {
  const order = executionOrder(graph);
  const storages = storagePlan(graph, order);
  const starting = order.map((): typeof storages => []);
  const ending = order.map((): typeof storages => []);
  for (const storage of storages) {
    starting[storage.first].push(storage);
    ending[storage.last].push(storage);
  }
  const arena = new Arena();
  const chunks = new Map<object, Chunk>();
  order.forEach((_, step) => {
    for (const storage of starting[step]) chunks.set(storage, arena.allocate(storage.bytes));
    for (const storage of ending[step]) arena.release(chunks.get(storage)!);
  });
  return arena.touchedBytes;
}

/** Bytes that this process can still take: what the system has left, or its control group allows. */
export function availableMemory(): number {
  const system = fieldOf('/proc/meminfo', /^MemAvailable:\s+(\d+) kB/m);
  const limits = [system === undefined ? freemem() : system * 1024, groupLimit(), groupLimitVersion1()];
  return Math.max(0, Math.min(...limits.filter((n) => n !== undefined)));
}

/** Bytes of the machine's memory, or of those that its control group allows. */
export function machineMemory(): number {
  const limits = [totalmem(), fieldOf(GROUP_LIMIT, /^(\d+)/), fieldOf(GROUP_LIMIT_1, /^(\d+)/)];
  return Math.min(...limits.filter((n) => n !== undefined));
}

const GROUP_LIMIT = '/sys/fs/cgroup/memory.max';
const GROUP_LIMIT_1 = '/sys/fs/cgroup/memory/memory.limit_in_bytes';

function groupLimit(): number | undefined {
  const limit = fieldOf(GROUP_LIMIT, /^(\d+)/);
  const used = fieldOf('/sys/fs/cgroup/memory.current', /^(\d+)/) ?? 0;
  const reclaimable = fieldOf('/sys/fs/cgroup/memory.stat', /^inactive_file (\d+)/m) ?? 0;
  return limit === undefined ? undefined : limit - used + reclaimable;
}

function groupLimitVersion1(): number | undefined {
  const limit = fieldOf(GROUP_LIMIT_1, /^(\d+)/);
  const used = fieldOf('/sys/fs/cgroup/memory/memory.usage_in_bytes', /^(\d+)/) ?? 0;
  const reclaimable = fieldOf('/sys/fs/cgroup/memory/memory.stat', /^total_inactive_file (\d+)/m) ?? 0;
  return limit === undefined ? undefined : limit - used + reclaimable;
}

function fieldOf(file: string, pattern: RegExp): number | undefined {
  try {
    const match = pattern.exec(readFileSync(file, 'utf8'));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}
