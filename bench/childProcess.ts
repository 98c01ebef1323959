/** A workload in a process of its own (see `child.ts`): reads its task from the command line, answers with one line of JSON. */
import { createEngine } from '../src/engine/index.js';
import type { ChildAnswer, ChildTask } from './child.js';
import { timed } from './measure.js';
import { peakBytes } from './peakMemory.js';
import { Trainer } from './training.js';
import { buildWorkload, parameterValues } from './workload.js';

async function train({ workload: spec, runs }: ChildTask): Promise<Omit<ChildAnswer, 'peakBytes'>> {
  const built = await timed(async () => buildWorkload(spec));
  const started = await timed(() => createEngine({ device: 'cpu' }));
  await using engine = started.value;
  const created = await timed(() => Trainer.create(engine, built.value));
  const loadedBytes = peakBytes();
  const steps = [];
  for (let i = 0; i < runs; i++) steps.push(await created.value.step());
  return {
    startMs: built.ms + started.ms + created.ms,
    loadedBytes,
    gradientMs: steps.map((s) => s.gradient),
    stepMs: steps.map((s) => s.step),
    losses: steps.map((s) => s.loss),
  };
}

/** Time until the programs of a training step are ready, by parts. Nothing is run. */
async function compile({ workload: spec }: ChildTask): Promise<Omit<ChildAnswer, 'peakBytes'>> {
  const built = await timed(async () => buildWorkload(spec));
  const values = await timed(async () => parameterValues(built.value.needs.parameters.values()));
  const started = await timed(() => createEngine({ device: 'cpu' }));
  await using engine = started.value;
  const created = await timed(() => Trainer.create(engine, built.value));
  return {
    startMs: created.ms - values.ms,
    loadedBytes: peakBytes(),
    gradientMs: [],
    stepMs: [],
    losses: [],
    parts: { graph: built.ms, engine: started.ms, sessions: created.ms - values.ms },
  };
}

const task = JSON.parse(process.argv[2]) as ChildTask;
const answer = task.kind === 'train' ? await train(task) : await compile(task);
process.stdout.write(`${JSON.stringify({ ...answer, peakBytes: peakBytes() } satisfies ChildAnswer)}\n`);
