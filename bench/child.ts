/** Runs one workload alone in a fresh process, for its peak memory and so that a crash ends nothing else. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WorkloadSpec } from './workload.js';

/** What a child is to do: make training steps, or only make them ready. */
export type ChildTask =
  | { kind: 'train'; workload: WorkloadSpec; steps: number }
  | { kind: 'compile'; workload: WorkloadSpec };

/** Training steps in a process of their own. Times in milliseconds, memory in bytes. */
export interface ChildTraining {
  /** The most memory that the process ever held, and the most before the first step. */
  peakBytes: number;
  loadedBytes: number;
  /** Of every step: forward and backward, and all with AdamW. The first step takes the memory and is slower. */
  gradientMs: number[];
  stepMs: number[];
  losses: number[];
}

/** Milliseconds of what a cold start goes into. */
export interface ChildCompilation {
  graphMs: number;
  engineMs: number;
  sessionsMs: number;
}

/** Why a child gave no answer. */
export interface Failure {
  failure: string;
}

/** Makes so many training steps in a child process. */
export function trainInChild(workload: WorkloadSpec, steps: number): Promise<ChildTraining | Failure> {
  return inChild({ kind: 'train', workload, steps });
}

/** Builds and compiles a training step in a child process, and runs nothing. */
export function compileInChild(workload: WorkloadSpec): Promise<ChildCompilation | Failure> {
  return inChild({ kind: 'compile', workload });
}

function inChild<Answer>(task: ChildTask): Promise<Answer | Failure> {
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
      if (line.startsWith('{')) return resolve(JSON.parse(line) as Answer);
      const reason = /(?:Error|error): .+/.exec(errors)?.[0] ?? errors.trim().split('\n').pop();
      resolve({ failure: signal ? `ended by ${signal} (out of memory?)` : `ended with code ${code}: ${reason}` });
    });
  });
}
