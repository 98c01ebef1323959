/** A few worker threads that assemble batches, one step at a time each. */
import { Worker } from 'node:worker_threads';
import { HiperceiverError } from '../errors/index.js';
import type { AssembledBatch, AssemblyOptions } from './assemble.js';
import type { Source } from './source.js';

/** Threads that make batches. */
export interface Pool {
  /** The batch of a step, from the next free worker. */
  assemble(step: number): Promise<AssembledBatch | undefined>;
  /** Answers all open steps with undefined, lets running work end, then ends the threads. */
  close(): Promise<void>;
}

interface Task {
  step: number;
  resolve(batch: AssembledBatch | undefined): void;
  reject(error: Error): void;
}

/** Starts `count` threads. Idle threads do not keep the process alive. */
export function createPool(count: number, source: Source, options: AssemblyOptions): Pool {
  const waiting: Task[] = [];
  const idle: Worker[] = [];
  const running = new Map<Worker, Task>();
  let failure: Error | undefined;
  let closed = false;

  const workers = Array.from({ length: count }, () => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { source, options } });
    worker.on('message', (answer: { batch?: AssembledBatch; failure?: string }) => {
      const task = running.get(worker);
      release(worker);
      if (answer.failure !== undefined) task?.reject(new HiperceiverError(answer.failure));
      else task?.resolve(answer.batch);
    });
    worker.on('error', fail);
    worker.on('exit', () => {
      if (!closed) fail(new Error('it ended unexpectedly'));
    });
    worker.unref();
    idle.push(worker);
    return worker;
  });

  function release(worker: Worker): void {
    running.delete(worker);
    // Whoever closes the pool waits for its threads, so these must keep the process alive until they end.
    if (closed) return;
    worker.unref();
    idle.push(worker);
    dispatch();
  }

  function dispatch(): void {
    while (waiting.length > 0 && idle.length > 0) {
      const worker = idle.shift() as Worker;
      const task = waiting.shift() as Task;
      running.set(worker, task);
      worker.ref();
      worker.postMessage(task.step);
    }
  }

  /** A thread that dies takes the loader with it: the batches that it held are lost. */
  function fail(error: Error): void {
    failure ??= new HiperceiverError(
      `A decoding thread failed (${error.message}): use fewer workers or smaller examples.`,
    );
    for (const task of [...running.values(), ...waiting.splice(0)]) task.reject(failure);
    running.clear();
  }

  return {
    assemble(step) {
      if (failure) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        waiting.push({ step, resolve, reject });
        dispatch();
      });
    },
    async close() {
      closed = true;
      for (const task of [...running.values(), ...waiting.splice(0)]) task.resolve(undefined);
      await Promise.all(
        workers.map(
          (worker) =>
            new Promise<void>((ended) => {
              if (worker.threadId === -1) return ended();
              worker.once('exit', () => ended());
              worker.ref();
              worker.postMessage('close');
            }),
        ),
      );
    },
  };
}
