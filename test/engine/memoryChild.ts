/** Run as a process of its own by the memory test: prints the growth of its peak memory over one training step, and the estimate. */
import { readFileSync } from 'node:fs';
import { createEngine, type DeviceName } from '../../src/engine/index.js';
import { estimateMemory } from '../../src/engine/memory.js';
import { attentionStep, mlpStep, type TrainingStep } from './graphs.js';

/** A process's memory in bytes: VmHWM is its peak, VmRSS what it holds now. */
function status(field: 'VmHWM' | 'VmRSS'): number {
  return 1024 * Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

async function measure({ graph, residency, parameters, feeds }: TrainingStep, device: DeviceName): Promise<number> {
  const before = status('VmRSS');
  await using engine = await createEngine({ device, threads: 2 });
  await engine.write(parameters);
  for (const name of Object.keys(parameters)) delete parameters[name];
  const program = await engine.compile(graph, residency);
  for (let i = 0; i < 3; i++) await program.run(feeds);
  return status('VmHWM') - before;
}

const [device, kind, ...rest] = process.argv.slice(2);
const numbers = rest.map(Number);
const step =
  kind === 'mlp'
    ? mlpStep(numbers[0], numbers[1], numbers[2])
    : attentionStep({
        batch: numbers[0],
        length: numbers[1],
        dim: numbers[2],
        layers: numbers[3],
        recompute: numbers[4] === 1,
      });
const estimate = estimateMemory(step.graph, step.residency, device as DeviceName);
console.log(JSON.stringify({ estimate, measured: await measure(step, device as DeviceName) }));
