/** The engine's side of a worker thread: sessions and buffers of one ONNX Runtime build, one request at a time. */
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-common';
import {
  fromHalfBits,
  Graph,
  input,
  NO_RESULTS,
  sameShape,
  sizeOf,
  type TensorType,
  toHalfBits,
  toOnnx,
  type Values,
  valuesOf,
} from '../../graph/index.js';
import { Heap, Passes } from '../elementwise/index.js';
import { type AnswerMessage, forgetMessage, ORT_TYPES, type RequestMessage, type Requests } from '../protocol.js';
import { passesGuard, type Signature } from '../signature.js';
import type { DeviceName, Residents } from '../types.js';

/** The part of onnxruntime-node and onnxruntime-web that is used: both implement onnxruntime-common. */
export interface OrtModule {
  InferenceSession: { create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession> };
  Tensor: TensorConstructor;
}

interface CompiledProgram {
  session: InferenceSession;
  signature: Signature;
  residency: Residents;
  /** Output storage that lives as long as the program: a run allocates nothing for them. */
  fetches: Map<string, OrtTensor>;
}

interface Buffer {
  type: TensorType;
  current: OrtTensor;
  /** The second copy of a buffer that one program both reads and writes. */
  spare?: OrtTensor;
  /** On WebGPU: the session whose memory `current` lies in. */
  producer?: InferenceSession;
}

/** Answers an engine's requests: one method for each kind. */
export class Host {
  private runtime!: OrtModule;
  private device: DeviceName = 'cpu';
  private threads = 1;
  private readonly programs = new Map<number, CompiledProgram>();
  private readonly passes = new Map<number, Passes>();
  private heap = new Heap();
  private readonly buffers = new Map<string, Buffer>();
  /** On WebGPU: the device and its compiled shaders last as long as there is a session, so there always is this one. */
  anchor?: InferenceSession;
  /** Sessions that were given back while buffers still lay in their memory. */
  private readonly retired = new Set<InferenceSession>();
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly loadRuntime: (device: DeviceName, threads: number) => Promise<OrtModule>,
    private readonly send: (message: AnswerMessage, transfer: ArrayBuffer[]) => void,
  ) {}

  /** Takes a request; requests are carried out in the order of arrival (WebGPU allows one run at a time). */
  receive(message: RequestMessage): void {
    this.queue = this.queue.then(() => this.answer(message)).then(() => forgetMessage(message));
  }

  private async answer({ id, kind, ask }: RequestMessage): Promise<void> {
    try {
      const answer = await (this[kind] as (ask: unknown) => unknown)(ask);
      const owned =
        kind === 'read' ? Object.values(answer as Record<string, Values>).map((v) => v.buffer as ArrayBuffer) : [];
      this.send({ id, answer }, owned);
    } catch (error) {
      this.send({ id, error: error instanceof Error ? error.message : String(error) }, []);
    }
  }

  async start({ device, threads }: Requests['start']['ask']): Promise<void> {
    this.device = device;
    this.threads = threads;
    this.runtime = await this.loadRuntime(device, threads);
    if (device !== 'webgpu') return;
    const model = toOnnx(Graph.of({ y: input('x', [1]) }), { target: 'webgpu' });
    this.anchor = await this.runtime.InferenceSession.create(model, this.sessionOptions());
  }

  async compile(ask: Requests['compile']['ask']): Promise<void> {
    const { program, model, signature, residency } = ask;
    const fetches = new Map<string, OrtTensor>();
    const location: Record<string, 'gpu-buffer' | 'cpu'> = {};
    for (const [name, type] of Object.entries(signature.outputs)) {
      const isResident = name in residency.outputs;
      location[name] = isResident ? 'gpu-buffer' : 'cpu';
      // ONNX Runtime's web build and GPU outputs allocate their own results.
      if (!isResident && this.device === 'cpu') fetches.set(name, this.newTensor(type));
    }
    const session = await this.runtime.InferenceSession.create(model, {
      ...this.sessionOptions(ask),
      ...(this.device === 'webgpu' ? { preferredOutputLocation: location } : {}),
    });
    this.programs.set(program, { session, signature, residency, fetches });
  }

  async compilePasses({ program, plan }: Requests['compilePasses']['ask']): Promise<boolean> {
    const passes = await Passes.create(plan, this.heap);
    // Growing the heap leaves earlier views without memory, so everything that has a place there is taken from there anew.
    for (const [name, buffer] of this.buffers) {
      const view = this.heap.view(name);
      if (view?.length !== sizeOf(buffer.type.shape)) continue;
      const values = buffer.current.data as Float32Array;
      const isElsewhere = values.length > 0 && values.buffer !== view.buffer;
      if (isElsewhere) view.set(values);
      buffer.current = this.wrap(buffer.type, view);
    }
    if (passes) this.passes.set(program, passes);
    return passes !== undefined;
  }

  async run({ program, feeds }: Requests['run']['ask']): Promise<Record<string, Values>> {
    const passes = this.passes.get(program);
    if (passes) return this.runPasses(passes, feeds);
    const { session, signature, residency, fetches } = this.programs.get(program)!;
    const inputs: Record<string, OrtTensor> = {};
    for (const [name, type] of Object.entries(signature.inputs)) {
      const resident = residency.inputs[name];
      inputs[name] = resident !== undefined ? this.buffer(resident).current : this.wrap(type, feeds[name]);
    }
    const reads = new Set(Object.values(residency.inputs));
    const results =
      this.device === 'cpu'
        ? await runInto(session, inputs, this.outputsFor(signature, residency, fetches, reads))
        : await session.run(inputs, Object.keys(signature.outputs));
    const answer: Record<string, Values> = {};
    for (const [name, type] of Object.entries(signature.outputs))
      if (!(name in residency.outputs)) answer[name] = this.unwrap(type, results[name]);
    const isKept = passesGuard(residency, answer);
    for (const [name, target] of Object.entries(residency.outputs)) {
      const [wasRead, current] = [reads.has(target), results[name]];
      if (isKept || !wasRead)
        this.store(target, { type: signature.outputs[name], current, producer: session }, wasRead);
      else if (current.location === 'gpu-buffer') current.dispose();
    }
    await this.releaseRetired();
    return answer;
  }

  private runPasses(passes: Passes, feeds: Record<string, Values>): Record<string, Values> {
    for (const name of passes.buffers) {
      const type = passes.created(name);
      if (type) this.buffers.set(name, { type, current: this.storage(name, type) });
      if ((this.buffer(name).current.data as Float32Array).buffer !== this.heap.memory.buffer)
        throw new Error(`Buffer "${name}" has another size than the program was compiled for.`);
    }
    const returned = passes.run(feeds);
    return Object.fromEntries(Object.entries(returned).map(([name, value]) => [name, Float32Array.of(value)]));
  }

  async release({ program }: Requests['release']['ask']): Promise<void> {
    const session = this.programs.get(program)?.session;
    this.programs.delete(program);
    // Buffers that are still read keep the old heap's memory.
    if (this.passes.delete(program) && this.passes.size === 0) this.heap = new Heap();
    if (session) this.retired.add(session);
    await this.releaseRetired();
  }

  async write(buffers: Requests['write']['ask']): Promise<void> {
    // One array given for two buffers arrives as one array: programs write in place, so each buffer needs its own.
    const taken = new Set<ArrayBufferLike>();
    for (const [name, { type, values }] of Object.entries(buffers)) {
      this.forget(name);
      const own = values && taken.has(values.buffer) ? (values.slice() as Values) : values;
      if (own) taken.add(own.buffer);
      this.buffers.set(name, { type, current: this.storage(name, type, own) });
    }
    if (this.device === 'webgpu') await this.upload(Object.keys(buffers));
    await this.releaseRetired();
  }

  async read(names: string[]): Promise<Record<string, Values>> {
    const onGpu = names.filter((name) => this.buffer(name).current.location !== 'cpu');
    const values = onGpu.length > 0 ? await this.download(onGpu) : {};
    for (const name of names) {
      const { type, current } = this.buffer(name);
      values[name] ??= this.unwrap(type, current).slice() as Values;
    }
    return values;
  }

  async free(names: string[]): Promise<void> {
    for (const name of names) this.forget(name);
    await this.releaseRetired();
  }

  private forget(name: string): void {
    const tensor = this.buffers.get(name)?.current;
    if (tensor?.location === 'gpu-buffer') tensor.dispose();
    this.buffers.delete(name);
  }

  /** Ends sessions that nothing needs any more: a GPU buffer must not outlive the session that made it. */
  private async releaseRetired(): Promise<void> {
    const needed = new Set([...this.buffers.values()].map((buffer) => buffer.producer));
    for (const session of [...this.retired].filter((s) => !needed.has(s))) {
      this.retired.delete(session);
      await session.release();
    }
  }

  private sessionOptions({
    keepDuplicates = false,
    returnsMemory = false,
  }: Partial<Requests['compile']['ask']> = {}): InferenceSession.SessionOptions {
    return {
      executionProviders: [this.device],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: this.threads,
      interOpNumThreads: 1,
      // What goes wrong is thrown; printed as well it would stand in the middle of our own lines.
      logSeverityLevel: 4,
      // A second, contiguous copy of all activations beside the arena of the first run: twice the memory, no faster.
      enableMemPattern: false,
      // An arena never gives anything back, and each session has one of its own.
      enableCpuMemArena: !returnsMemory,
      extra: {
        // Each session has threads of its own, and those of the last run would go on spinning on the cores of the next.
        session: { force_spinning_stop: '1' },
        optimization: { disable_specified_optimizers: this.unwantedRewrites(keepDuplicates).join(';') },
      },
    };
  }

  private unwantedRewrites(keepDuplicates: boolean): string[] {
    return [
      // Values that are computed twice on purpose, to save memory, must not be merged again.
      ...(keepDuplicates ? ['CommonSubexpressionElimination'] : []),
      // The CPU's Gemm fills its output with the bias first: a product and an addition in place take a quarter less time.
      ...(this.device === 'webgpu' ? [] : ['MatMulAddFusion']),
    ];
  }

  /** On the CPU, storage for the outputs: the program's own, or the spare copy of a resident buffer. */
  private outputsFor(
    { outputs }: Signature,
    residency: Residents,
    fetches: Map<string, OrtTensor>,
    reads: Set<string>,
  ): Record<string, OrtTensor> {
    const targets: Record<string, OrtTensor> = {};
    for (const [name, type] of Object.entries(outputs)) {
      const target = residency.outputs[name];
      if (target === undefined) {
        targets[name] = fetches.get(name)!;
        continue;
      }
      let buffer = this.buffers.get(target);
      if (!buffer || buffer.type.dtype !== type.dtype || !sameShape(buffer.type.shape, type.shape)) {
        buffer = { type, current: this.storage(target, type) };
        this.buffers.set(target, buffer);
      }
      if (reads.has(target)) buffer.spare ??= this.newTensor(type);
      targets[name] = reads.has(target) ? buffer.spare! : buffer.current;
    }
    return targets;
  }

  private store(name: string, next: Buffer, wasRead: boolean): void {
    const buffer = this.buffers.get(name);
    if (this.device === 'cpu') {
      // The run wrote into storage of ours: the spare copy where the buffer was read as well, else in place.
      if (!buffer?.spare || !wasRead) return;
      const place = this.heap.view(name);
      if (place) place.set(buffer.spare.data as Float32Array);
      else [buffer.current, buffer.spare] = [buffer.spare, buffer.current];
      return;
    }
    this.buffers.set(name, this.device === 'webgpu' ? next : { type: next.type, current: next.current });
    if (buffer?.current.location === 'gpu-buffer') buffer.current.dispose();
  }

  private buffer(name: string): Buffer {
    const buffer = this.buffers.get(name);
    if (!buffer) throw new Error(`Buffer "${name}" was never written.`);
    return buffer;
  }

  /** A buffer's memory: its place in the heap, into which values are copied, or else an array of its own. */
  private storage(name: string, type: TensorType, values?: Values): OrtTensor {
    const place = type.dtype === 'f32' ? this.heap.view(name) : undefined;
    if (place?.length !== sizeOf(type.shape)) return values ? this.wrap(type, values) : this.newTensor(type);
    if (values) place.set(values as Float32Array);
    return this.wrap(type, place);
  }

  private newTensor(type: TensorType): OrtTensor {
    return this.wrap(type, valuesOf(sizeOf(type.shape), type.dtype));
  }

  private wrap(type: TensorType, values: Values): OrtTensor {
    const data = type.dtype === 'f16' ? toHalfBits(values) : values;
    return new this.runtime.Tensor(ORT_TYPES[type.dtype] as 'float32', data as Float32Array, type.shape);
  }

  private unwrap({ dtype }: TensorType, tensor: OrtTensor): Values {
    const { data } = tensor;
    if (dtype !== 'f16') return data as Values;
    // Where the runtime knows a Float16Array, the bits are behind it.
    const bits = data as Uint16Array;
    return fromHalfBits(new Uint16Array(bits.buffer, bits.byteOffset, bits.length));
  }

  /** Moves buffers to the GPU: a program that only reads one would otherwise send it there at every run. */
  private async upload(names: string[]): Promise<void> {
    const { session, copies } = await this.copied(names, 'gpu-buffer');
    copies.forEach((current, i) => {
      const { type } = this.buffer(names[i]);
      this.buffers.set(names[i], { type, current, producer: session });
    });
    this.retired.add(session);
  }

  /** Reads GPU tensors: onnxruntime-node ends the whole process when the data of one is asked for directly. */
  private async download(names: string[]): Promise<Record<string, Values>> {
    const { session, copies } = await this.copied(names, 'cpu');
    const values = copies.map((copy, i) => [names[i], this.unwrap(this.buffer(names[i]).type, copy).slice()] as const);
    await session.release();
    return Object.fromEntries(values) as Record<string, Values>;
  }

  /** Copies of buffers' tensors on the GPU or on the CPU, made by a session of their own. */
  private async copied(
    names: string[],
    preferredOutputLocation: 'gpu-buffer' | 'cpu',
  ): Promise<{ session: InferenceSession; copies: OrtTensor[] }> {
    const types = names.map((name) => this.buffer(name).type);
    const copies = types.map(({ shape, dtype }, i) => [`copy${i}`, input(`original${i}`, shape, dtype)] as const);
    const model = toOnnx(new Graph(new Map(copies)), { target: 'webgpu' });
    const options = { ...this.sessionOptions(), preferredOutputLocation };
    const session = await this.runtime.InferenceSession.create(model, options);
    const originals = names.map((name, i) => [`original${i}`, this.buffer(name).current] as const);
    const results = await session.run(Object.fromEntries(originals));
    return { session, copies: names.map((_, i) => results[`copy${i}`]) };
  }
}

/** Runs a session of a model made `withoutResults`: the outputs are in `targets` when it ends. */
async function runInto(
  session: InferenceSession,
  inputs: Record<string, OrtTensor>,
  targets: Record<string, OrtTensor>,
): Promise<Record<string, OrtTensor>> {
  try {
    await session.run(inputs, { [NO_RESULTS]: null, ...targets });
  } catch (error) {
    if (!(error as Error).message.includes('Non tensor type')) throw error;
  }
  return targets;
}
