/** Training steps of several workloads, each in processes of its own, in turn. */
import type { Around } from './benchmark.js';
import { type Failure, trainInChild } from './child.js';
import { type Timing, timingOf } from './measure.js';

/** Milliseconds of whole steps, without the first of each process, and the largest peak memory in bytes. */
export interface SideTraining {
  step: Timing;
  peakBytes: number;
}

/** What is trained. */
export interface Side {
  name: string;
  workload: Parameters<typeof trainInChild>[0];
}

/**
 * Trains each side twice, half of its `steps` before and half after the others', so that a slow minute of the machine
 * meets all of them. A side whose process dies is not started again.
 */
export async function trainSideBySide(
  sides: readonly Side[],
  steps: number,
  { note }: Around,
): Promise<Map<string, SideTraining | Failure>> {
  const found = new Map<string, SideTraining | Failure>();
  const half = Math.ceil(steps / 2);
  for (const turn of steps > 1 ? [sides, [...sides].reverse()] : [sides]) {
    for (const { name, workload } of turn) {
      const before = found.get(name);
      if (before && 'failure' in before) continue;
      note(`${name}: ${1 + half} steps`);
      const answer = await trainInChild(workload, 1 + half);
      if ('failure' in answer) found.set(name, answer);
      else
        found.set(name, {
          step: timingOf([...(before?.step.samples ?? []), ...answer.stepMs.slice(1)]),
          peakBytes: Math.max(before?.peakBytes ?? 0, answer.peakBytes),
        });
    }
  }
  return found;
}
