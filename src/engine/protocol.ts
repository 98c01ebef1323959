/** What an engine and its worker say to each other. */
import type { DType, Values } from '../graph/index.js';
import type { ElementwisePlan } from './elementwise/index.js';
import type { Signature } from './signature.js';
import type { BufferContent, DeviceName, Residents } from './types.js';

/** Requests by kind, and what each is answered with. */
export interface Requests {
  start: { ask: { device: DeviceName; threads: number }; answer: undefined };
  compile: {
    ask: {
      program: number;
      model: Uint8Array;
      signature: Signature;
      residency: Residents;
      keepDuplicates: boolean;
      returnsMemory: boolean;
    };
    answer: undefined;
  };
  /** Element-wise work on buffers, without ONNX Runtime; answers whether there is room for it. */
  compilePasses: { ask: { program: number; plan: ElementwisePlan }; answer: boolean };
  run: { ask: { program: number; feeds: Record<string, Values> }; answer: Record<string, Values> };
  release: { ask: { program: number }; answer: undefined };
  write: { ask: Record<string, BufferContent>; answer: undefined };
  read: { ask: string[]; answer: Record<string, Values> };
  free: { ask: string[]; answer: undefined };
}

/** What can be asked of the worker. */
export type RequestKind = keyof Requests;

/** A request on its way, numbered for its answer. */
export interface RequestMessage<K extends RequestKind = RequestKind> {
  id: number;
  kind: K;
  ask: Requests[K]['ask'];
}

/** The answer to the request of the same number. */
export interface AnswerMessage {
  id: number;
  answer?: unknown;
  error?: string;
}

/**
 * Lets V8 free the arrays of a message that was dealt with: a gigabyte of parameters, or a thousand batches, would otherwise
 * stay. Node keeps the last message, and V8 looks for dead arrays only where the program makes one, not where one arrives.
 */
export function forgetMessage(message: { ask?: unknown; answer?: unknown }): void {
  message.ask = undefined;
  message.answer = undefined;
  new ArrayBuffer(8);
}

/** A thread that runs the engine's worker, whatever the platform calls it. */
export interface WorkerThread {
  post(message: RequestMessage, transfer: ArrayBuffer[]): void;
  onMessage(listener: (message: AnswerMessage) => void): void;
  /** Called once when the thread dies without being asked to. */
  onFailure(listener: (reason: string) => void): void;
  /** Whether the process should stay alive for this thread. */
  hold(wanted: boolean): void;
  terminate(): Promise<void>;
}

/** What the platform (Node or a browser) offers. */
export interface Platform {
  defaultDevice: DeviceName;
  defaultThreads(): number;
  spawn(device: DeviceName): WorkerThread;
}

/** ONNX Runtime's name of a dtype. */
export const ORT_TYPES = { f32: 'float32', f16: 'float16', i32: 'int32', bool: 'bool' } as const satisfies Record<
  DType,
  string
>;
