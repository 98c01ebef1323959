/**
 * Plain ONNX Runtime on one file, as users of the file will run it: without this project's engine, and in a process of its
 * own, so that a file which ends its process does not end ours. Started by {@link OnnxFile}.
 */
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OnnxAnswer, OnnxRequest, TypedValues } from './onnxFile.js';

let session: InferenceSession;

const answers: { [K in OnnxRequest['kind']]: (request: OnnxRequest & { kind: K }) => Promise<unknown> } = {
  open: async ({ path, threads }) => {
    session = await InferenceSession.create(path, {
      logSeverityLevel: 3,
      ...(threads && { intraOpNumThreads: threads }),
    });
    return { inputs: session.inputMetadata, outputs: session.outputMetadata };
  },
  run: async ({ feeds }) => {
    const results = await session.run(tensors(feeds));
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
  },
  time: async ({ feeds, runs }) => {
    const inputs = tensors(feeds);
    const milliseconds: number[] = [];
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      await session.run(inputs);
      milliseconds.push(performance.now() - start);
    }
    return { milliseconds, peakMemory: peakMemory() };
  },
};

function tensors(feeds: Record<string, TypedValues>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, shape, data }]) => [
      name,
      new Tensor(type as 'float32', data as Float32Array, shape),
    ]),
  );
}

/** Bytes of memory held at most. Linux counts what the parent held into `maxRSS`; its own `VmHWM` is free of that. */
function peakMemory(): number {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))!;
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

process.on('message', async (request: OnnxRequest) => {
  let answer: OnnxAnswer;
  try {
    answer = { answer: await (answers[request.kind] as (r: OnnxRequest) => Promise<unknown>)(request) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  process.send!(answer);
});
