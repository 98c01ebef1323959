/** Runs one workload alone in a fresh process, for its peak memory and so that a crash ends nothing else. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WorkloadSpec } from './workload.js';

/** What the child is to do. */
export interface ChildTask {
  /** `train`: training steps. `compile`: make them ready, and run nothing. */
  kind: 'train' | 'compile';
  workload: WorkloadSpec;
  /** Training steps. */
  runs: number;
}

/** What the child found. Times in milliseconds, memory in bytes. */
export interface ChildAnswer {
  /** The most memory that the process ever held, and the most before the first step. */
  peakBytes: number;
  loadedBytes: number;
  /** Building the graphs, starting the engine, compiling, writing the parameters. */
  startMs: number;
  /** Of every step: forward and backward, and all with AdamW. The first step takes the memory and is slower. */
  gradientMs: number[];
  stepMs: number[];
  losses: number[];
  /** Of `compile`: what the time went into. */
  parts?: { graph: number; engine: number; sessions: number };
}

/** Runs a task in a child process. A child that dies gives the reason instead of an answer. */
export function inChild(task: ChildTask): Promise<ChildAnswer | { failure: string }> {
  const script = fileURLToPath(new URL('./childProcess.js', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (errors += text));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ failure: error.message }));
    child.on('close', (code, signal) => {
      // The engine's threads may end badly after a good answer.
      const line = out.trim().split('\n').pop() ?? '';
      if (line.startsWith('{')) return resolve(JSON.parse(line) as ChildAnswer);
      const reason = /(?:Error|error): .+/.exec(errors)?.[0] ?? errors.trim().split('\n').pop();
      resolve({ failure: signal ? `ended by ${signal} (out of memory?)` : `ended with code ${code}: ${reason}` });
    });
  });
}
