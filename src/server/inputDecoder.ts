/** Decodes files here where that happens in native threads anyway, and else in threads that are kept for it. */
import { Worker } from 'node:worker_threads';
import type { Reader } from '../data/index.js';
import { type DecodeLimits, decodeInput, filesOf, inputReader, undecodable } from './decodeRequest.js';
import { HttpError } from './httpError.js';
import type { Example } from './model/servedModel.js';

/** Turns files into examples. */
export interface InputDecoder {
  /** Media types of files that are taken. */
  readonly types: readonly string[];
  /** @throws HttpError as `decodeInput` of decodeRequest.ts */
  decode(bytes: Uint8Array, contentType: string): Promise<Example>;
  /** Ends the threads. */
  close(): Promise<void>;
}

/** What a thread is asked. */
export interface DecodeTask {
  bytes: Uint8Array;
  contentType: string;
}

/** What it answers: an example, or why there is none. */
export interface DecodeAnswer {
  example?: Example;
  refusal?: { status: number; code: string; message: string };
}

/** What a thread is started with. */
export interface DecodeThreadData {
  reader: Reader;
  limits: DecodeLimits;
}

/**
 * The decoder of a model's inputs; at most as many threads as calls at one time.
 * @param seconds after which a thread that decodes one file is ended
 */
export function createInputDecoder(model: { reader: Reader }, limits: DecodeLimits, seconds: number): InputDecoder {
  const reader = inputReader(model.reader);
  const { types, blocks } = filesOf(reader);
  if (!blocks) {
    return {
      types,
      decode: (bytes, contentType) => decodeInput(bytes, contentType, reader, limits),
      close: async () => undefined,
    };
  }
  const data: DecodeThreadData = { reader, limits };
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  return {
    types,
    decode: (bytes, contentType) =>
      new Promise<Example>((resolve, reject) => {
        const worker = idle.pop() ?? startThread(data, all, idle);
        const end = () => {
          clearTimeout(deadline);
          worker.off('message', onAnswer).off('error', onDeath).off('exit', onDeath);
        };
        const onDeath = (reason: unknown) => {
          end();
          void worker.terminate();
          reject(undecodable(reason instanceof Error ? reason.message : 'its decoder ended'));
        };
        const onAnswer = ({ example, refusal }: DecodeAnswer) => {
          end();
          idle.push(worker);
          if (example) resolve(example);
          else
            reject(refusal ? new HttpError(refusal.status, refusal.code, refusal.message) : undecodable('no reason'));
        };
        const deadline = setTimeout(() => onDeath(new Error(`it takes longer than ${seconds} s`)), 1000 * seconds);
        worker.once('message', onAnswer).once('error', onDeath).once('exit', onDeath);
        worker.postMessage({ bytes, contentType } satisfies DecodeTask);
      }),
    close: async () => {
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}

/** Starts a thread that leaves both lists when it ends, whatever it was doing. */
function startThread(workerData: DecodeThreadData, all: Set<Worker>, idle: Worker[]): Worker {
  // Without the process's own flags, of which a worker refuses some (--input-type).
  const worker = new Worker(new URL('./decodeThread.js', import.meta.url), { workerData, execArgv: [] });
  worker.unref();
  worker.on('error', () => undefined);
  worker.on('exit', () => {
    all.delete(worker);
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
  });
  all.add(worker);
  return worker;
}
