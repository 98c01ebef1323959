/** Runs `./hip pretrain` as its users do and follows its log from outside, until it has made so many steps. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensure } from '../src/errors/index.js';
import { readMetrics } from '../src/training/index.js';
import { residentBytes } from './peakMemory.js';

const PROGRAM = fileURLToPath(new URL('../../hip', import.meta.url));

/** One step as the run's own log tells of it. Seconds are counted from the start of the process. */
export interface LoggedStep {
  step: number;
  /** End of the step. */
  seconds: number;
  /** Since the loop began, this step included: all the time, and what of it was spent waiting for data. */
  loopSeconds: number;
  waitSeconds: number;
  loss: number;
}

/** What was seen of a run. */
export interface PretrainRun {
  steps: LoggedStep[];
  /** What the process held, by seconds from its start; empty where the system does not tell. */
  memory: { seconds: number; bytes: number }[];
}

/** Arguments of HiP-16 on images at 224, one image a step. */
export function hip16Arguments(data: string): string[] {
  const model = ['--model', 'hip', '--variant', '16', '--image-size', '224', '--batch-size', '1'];
  return ['--data', data, ...model, '--training.checkpointEvery', '0'];
}

/** Starts `hip pretrain` with these arguments and ends it after `steps` steps. `every`: milliseconds between two looks. */
export async function followPretraining(args: readonly string[], steps: number, every = 20): Promise<PretrainRun> {
  const folder = await mkdtemp(join(tmpdir(), 'hip-bench-run-'));
  const log = join(folder, 'metrics.jsonl');
  const began = Date.now() / 1000;
  const child = spawn(
    process.execPath,
    // More steps than are waited for, so that it is not busy saving when the last of them is looked at.
    [
      PROGRAM,
      'pretrain',
      ...args,
      '--out',
      folder,
      '--steps',
      String(steps + 1000),
      '--training.logEvery',
      '1',
      '--quiet',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr.on('data', (text) => (errors += text));
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const memory: PretrainRun['memory'] = [];
  try {
    for (;;) {
      const records = existsSync(log) ? await readMetrics(log) : [];
      if (records.length >= steps) {
        return {
          memory,
          steps: records.slice(0, steps).map(({ step, wallTime, examplesPerSecond, dataWaitShare, loss }) => {
            const loopSeconds = step / (examplesPerSecond as number);
            const waitSeconds = loopSeconds * (dataWaitShare as number);
            return { step, seconds: wallTime - began, loopSeconds, waitSeconds, loss: loss as number };
          }),
        };
      }
      ensure(
        child.exitCode === null,
        () => `hip pretrain ended before step ${steps}: ${errors.trim().split('\n').pop()}`,
      );
      const bytes = child.pid === undefined ? undefined : residentBytes(child.pid);
      if (bytes) memory.push({ seconds: Date.now() / 1000 - began, bytes });
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  } finally {
    // Not SIGTERM, upon which it would save a checkpoint first.
    child.kill('SIGKILL');
    await closed;
    await rm(folder, { recursive: true });
  }
}
