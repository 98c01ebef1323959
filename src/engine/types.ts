import type { Graph, TensorType, Values } from '../graph/index.js';

/** `cpu` and `webgpu`: ONNX Runtime's native providers. `wasm`: its WebAssembly build. `reference`: slow plain TypeScript. */
export type DeviceName = 'cpu' | 'webgpu' | 'wasm' | 'reference';

/** Which engine to start. */
export interface EngineOptions {
  /** Default: `cpu` in Node, `wasm` in a browser. */
  device?: DeviceName;
  /** Threads of a CPU or WASM run; default: the number of cores. */
  threads?: number;
  /** Whether to compare a few operators with the reference first; default: on `webgpu` and `wasm`, once in a process. */
  check?: boolean;
}

/** Which inputs and outputs of a graph live in named buffers of the engine instead of being fed and returned. */
export interface Residency {
  /** Graph input → buffer that it reads. */
  inputs?: Record<string, string>;
  /** Graph output → buffer that it writes. A buffer may be read and written by one program: two copies are swapped. */
  outputs?: Record<string, string>;
  /**
   * Buffers whose values nobody needs after a run: a program that is compiled later may keep its own of this kind in the same
   * memory, if the two run in turn. Where an engine does not do so they are buffers like others.
   */
  consumes?: readonly string[];
  /** Whether the memory of intermediate values goes back to the process after each run (CPU), instead of being kept for the next. */
  returnsMemory?: boolean;
  /**
   * A returned number: where a run makes it infinite or NaN, all buffers that the program reads and writes keep their values.
   */
  guard?: string;
}

/** A residency with nothing left open. */
export type Residents = Required<Omit<Residency, 'guard' | 'consumes' | 'returnsMemory'>> & Pick<Residency, 'guard'>;

/** What a buffer is to hold. */
export interface BufferContent {
  type: TensorType;
  values?: Values;
}

/** A compiled graph. */
export interface Program {
  /** Floating-point operations of one run, as counted from the graph. */
  readonly flops: number;
  /** Runs with the fed inputs (all that are not resident); returns the outputs that are not resident. */
  run(feeds?: Record<string, Values>): Promise<Record<string, Values>>;
  /** Gives the program's memory back. */
  dispose(): Promise<void>;
}

/**
 * A device with its own memory. Buffers are named arrays that stay on it between runs: parameters, optimiser state,
 * gradients. Calls are carried out one after the other; none blocks the calling thread.
 */
export interface Engine {
  readonly device: DeviceName;
  /**
   * Makes a graph ready to run. Throws where the device has no kernel for it, or `residency` names no output of it.
   * @param constants values of inputs that are the same at every run, at most 2 GB of them: weights at inference. What
   *   depends on them alone is computed once, and matrices are laid out as the device's products read them fastest.
   */
  compile(graph: Graph, residency?: Residency, constants?: ReadonlyMap<string, Values>): Promise<Program>;
  /**
   * Creates or replaces buffers; those without values begin at zero.
   * @param options.transfer move the arrays to the device instead of copying them: they are empty afterwards
   */
  write(buffers: Record<string, BufferContent>, options?: { transfer?: boolean }): Promise<void>;
  /** Copies of buffers' values. Throws when one does not exist. */
  read(names: Iterable<string>): Promise<Map<string, Values>>;
  /** Forgets buffers. */
  free(names: Iterable<string>): Promise<void>;
  /** Ends the device's worker and gives all its memory back. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
