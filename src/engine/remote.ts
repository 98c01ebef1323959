/** An engine whose device lives in a worker thread: the calling thread never waits for a run. */
import { ensure, HiperceiverError } from '../errors/index.js';
import { type Graph, optimize, toOnnx, type Values } from '../graph/index.js';
import { elementwisePlan } from './elementwise/index.js';
import { explain } from './explain.js';
import { type AnswerMessage, forgetMessage, type RequestKind, type Requests, type WorkerThread } from './protocol.js';
import { checkFeed, checkResidency, signatureOf } from './signature.js';
import type { BufferContent, DeviceName, Engine, Program, Residency } from './types.js';

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** Asks a worker and matches its answers. */
export class RemoteEngine implements Engine {
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  private failure: string | undefined;

  private constructor(
    readonly device: DeviceName,
    private readonly thread: WorkerThread,
  ) {
    thread.onMessage((message) => this.settle(message));
    thread.onFailure((reason) =>
      this.fail(`The ${device} engine's worker stopped: ${reason}. Run "hip doctor" to see which devices work here.`),
    );
    thread.hold(false);
  }

  /** Starts the device in the worker. Throws a sentence where it does not work here. */
  static async start(device: DeviceName, threads: number, thread: WorkerThread): Promise<RemoteEngine> {
    const engine = new RemoteEngine(device, thread);
    await engine.ask('start', { device, threads });
    return engine;
  }

  async compile(
    graph: Graph,
    residency: Residency = {},
    constants: ReadonlyMap<string, Values> = new Map(),
  ): Promise<Program> {
    ensure(this.device !== 'reference', () => 'The reference device compiles nothing.');
    const small = optimize(graph);
    const program = this.nextId++;
    const signature = signatureOf(small, constants);
    checkResidency(graph, residency);
    const complete = {
      inputs: pick(residency.inputs, signature.inputs),
      outputs: residency.outputs ?? {},
      guard: residency.guard,
    };
    const keepDuplicates = small.nodes.some((node) => 'recomputed' in node.attributes);
    const fed = Object.entries(signature.inputs).filter(([name]) => !(name in complete.inputs));
    const runnable = {
      flops: small.flops,
      run: async (feeds: Record<string, Values> = {}) => {
        const checked = Object.fromEntries(fed.map(([name, type]) => [name, checkFeed(name, type, feeds[name])]));
        return this.ask('run', { program, feeds: checked });
      },
      dispose: () => this.ask('release', { program }),
    };
    // Passes work in place and could not take a guarded run back.
    const plan =
      this.device === 'cpu' && !residency.guard && constants.size === 0
        ? elementwisePlan(small, { ...complete, consumes: residency.consumes })
        : undefined;
    if (plan && (await this.ask('compilePasses', { program, plan }))) return runnable;
    const target = this.device as Exclude<DeviceName, 'reference'>;
    await this.ask('compile', {
      program,
      model: toOnnx(small, { target, weights: constants, withoutResults: target === 'cpu' }),
      signature,
      residency: complete,
      keepDuplicates,
      returnsMemory: residency.returnsMemory ?? false,
    });
    return runnable;
  }

  async write(buffers: Record<string, BufferContent>, { transfer = false } = {}): Promise<void> {
    const moved = new Set<ArrayBufferLike>();
    for (const part of partsOf(buffers)) {
      const plain: Record<string, BufferContent> = {};
      const moving: ArrayBuffer[] = [];
      for (const [name, { type, values }] of part) {
        // What was moved for another buffer is empty by now, or will be.
        ensure(!values || !moved.has(values.buffer), () => `Buffer "${name}" is given an array that moves to another.`);
        if (transfer && values && ownsMemory(values)) {
          moved.add(values.buffer);
          moving.push(values.buffer);
        }
        const { shape, dtype } = type;
        plain[name] = { type: { shape, dtype }, values: values && checkFeed(name, type, values) };
      }
      await this.ask('write', plain, moving);
    }
  }

  async read(names: Iterable<string>): Promise<Map<string, Values>> {
    return new Map(Object.entries(await this.ask('read', [...names])));
  }

  async free(names: Iterable<string>): Promise<void> {
    await this.ask('free', [...names]);
  }

  async dispose(): Promise<void> {
    this.failure ??= `The ${this.device} engine was disposed.`;
    await this.thread.terminate();
    this.fail(this.failure);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private ask<K extends RequestKind>(
    kind: K,
    ask: Requests[K]['ask'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Requests[K]['answer']> {
    if (this.failure) return Promise.reject(new HiperceiverError(this.failure));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.thread.hold(true);
      this.thread.post({ id, kind, ask }, transfer);
    });
  }

  private settle(message: AnswerMessage): void {
    const { id, answer, error } = message;
    forgetMessage(message);
    const waiting = this.pending.get(id);
    this.pending.delete(id);
    if (this.pending.size === 0) this.thread.hold(false);
    if (error === undefined) waiting?.resolve(answer);
    else
      waiting?.reject(
        new HiperceiverError(`${this.device}: ${explain(error, this.device)}`, { cause: new Error(error) }),
      );
  }

  private fail(reason: string): void {
    this.failure ??= reason;
    for (const waiting of this.pending.values()) waiting.reject(new HiperceiverError(reason));
    this.pending.clear();
  }
}

/** Bytes of values that one message carries: the worker lets go of them before it takes the next. */
const MESSAGE_BYTES = 2 ** 26;

/** Buffers in messages of bounded size. */
function* partsOf(buffers: Record<string, BufferContent>): Generator<[string, BufferContent][]> {
  let part: [string, BufferContent][] = [];
  let bytes = 0;
  for (const [name, content] of Object.entries(buffers)) {
    const own = content.values?.byteLength ?? 0;
    if (part.length > 0 && bytes + own > MESSAGE_BYTES) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push([name, content]);
    bytes += own;
  }
  yield part;
}

/** Whether an array is all of its memory, which can then be moved to another thread without harm to others. */
function ownsMemory(values: Values): values is Values & { buffer: ArrayBuffer } {
  return values.buffer instanceof ArrayBuffer && values.buffer.byteLength === values.byteLength;
}

function pick(wanted: Record<string, string> | undefined, existing: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(wanted ?? {}).filter(([name]) => name in existing));
}
