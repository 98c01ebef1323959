import { defineBenchmark } from '../benchmark.js';
import { type ChildCompilation, compileInChild } from '../child.js';
import { type Timing, timingOf } from '../measure.js';
import { withPhotographs } from '../photographs.js';
import { followPretraining, hip16Arguments } from '../pretrainRun.js';
import { check, ms, type Result } from '../report.js';
import type { WorkloadSpec } from '../workload.js';

const WANTED_SECONDS = 4;
const PICTURES = 32;
const WORKLOAD: WorkloadSpec = {
  ...{ system: 'hip', variant: '16', indexShape: [224, 224], channels: 3, batch: 1 },
  ...{ task: 'autoencode', masking: 'drop' },
};

/** `bench startup` */
export const command = defineBenchmark({
  name: 'startup',
  summary: 'From starting ./hip pretrain to its first step, and what a cold start goes into',
  description:
    'Starts ./hip pretrain (HiP-16, 224x224, batch 1) on a folder of JPEG files and reads the end of its first step ' +
    'from its log; beside it, in fresh processes, the graphs, the engine and the sessions alone.',
  options: {
    data: { type: 'string', placeholder: 'DIR', help: 'folder of images (default: made for the purpose)' },
  },
  examples: ['', '--data photos --rounds 3', '--quick'],
  rounds: { full: 5, quick: 1 },
  async measure({ data, rounds }, around) {
    const measure = async (folder: string): Promise<Result> => {
      const starts = [];
      for (let round = 1; round <= rounds; round++) {
        around.note(`start ${round} of ${rounds}`);
        const { steps } = await followPretraining(hip16Arguments(folder), 1);
        starts.push(steps[0]);
      }
      const compiled: ChildCompilation[] = [];
      for (let round = 1; round <= rounds; round++) {
        around.note(`sessions ${round} of ${rounds}`);
        const answer = await compileInChild(WORKLOAD);
        if (!('failure' in answer)) compiled.push(answer);
      }
      const parts: Record<string, Timing> = {
        'start of the process → end of the first step': timingOf(starts.map((s) => 1000 * s.seconds)),
        '… until the loop begins': timingOf(starts.map((s) => 1000 * (s.seconds - s.loopSeconds))),
        '… the first step': timingOf(starts.map((s) => 1000 * s.loopSeconds)),
        'alone: building the graphs': timingOf(compiled.map((c) => c.graphMs)),
        'alone: starting the engine': timingOf(compiled.map((c) => c.engineMs)),
        'alone: creating the sessions, cold': timingOf(compiled.map((c) => c.sessionsMs)),
      };
      const total = Object.values(parts)[0].median / 1000;
      return {
        tables: [
          {
            columns: ['what', 'ms', 'best'],
            rows: Object.entries(parts).map(([what, { median, best }]) => [what, ms(median), ms(best)]),
          },
        ],
        checks: [
          check('start to the end of the first step', total, { atMost: WANTED_SECONDS }, (s) => `${s.toFixed(1)} s`),
        ],
        notes: [`Medians of ${rounds} starts; the files are in the system's cache after the first.`],
        data: { starts, compiled },
      };
    };
    return data ? measure(data) : withPhotographs(PICTURES, measure);
  },
});
