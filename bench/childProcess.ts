/** A workload in a process of its own (see `child.ts`): its task stands on the command line, its answer is a line of JSON. */
import { createEngine } from '../src/engine/index.js';
import type { ChildCompilation, ChildTask, ChildTraining } from './child.js';
import { timed } from './measure.js';
import { peakBytes } from './peakMemory.js';
import { compileTraining, Trainer } from './training.js';
import { buildWorkload, type WorkloadSpec } from './workload.js';

async function train(spec: WorkloadSpec, count: number): Promise<ChildTraining> {
  await using engine = await createEngine({ device: 'cpu' });
  const trainer = await Trainer.create(engine, buildWorkload(spec));
  const loadedBytes = peakBytes();
  const steps = [];
  for (let i = 0; i < count; i++) steps.push(await trainer.step());
  return {
    peakBytes: peakBytes(),
    loadedBytes,
    gradientMs: steps.map((s) => s.gradient),
    stepMs: steps.map((s) => s.step),
    losses: steps.map((s) => s.loss),
  };
}

async function compile(spec: WorkloadSpec): Promise<ChildCompilation> {
  const built = await timed(async () => buildWorkload(spec));
  const started = await timed(() => createEngine({ device: 'cpu' }));
  await using engine = started.value;
  const compiled = await timed(() => compileTraining(engine, built.value));
  return { graphMs: built.ms, engineMs: started.ms, sessionsMs: compiled.ms };
}

const task = JSON.parse(process.argv[2]) as ChildTask;
const answer = await (task.kind === 'train' ? train(task.workload, task.steps) : compile(task.workload));
process.stdout.write(`${JSON.stringify(answer)}\n`);
