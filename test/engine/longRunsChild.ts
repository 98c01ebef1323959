/** Run as a process of its own: prints its memory after 50 and after 200 training steps, and after the engine's end. */
import { setTimeout as wait } from 'node:timers/promises';
import { createEngine, type DeviceName } from '../../src/engine/index.js';
import { mlpStep } from './graphs.js';

/** Resident bytes once garbage is collected and freed pages have gone back. */
async function residentBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await wait(20);
  }
  return process.memoryUsage().rss;
}

const device = process.argv[2] as DeviceName;
// Each step writes 2 MB of parameters (WebGPU: 17 kB, it may run in software): a leak would show.
const step = { cpu: () => mlpStep(1024, 512, 2), wasm: () => mlpStep(64, 512, 2), webgpu: () => mlpStep(16, 64, 1) };
const { graph, residency, parameters, feeds } = step[device as 'cpu']();
const engine = await createEngine({ device, threads: 2 });
await engine.write(parameters);
const program = await engine.compile(graph, residency);
const memory: Record<string, number> = {};
for (let step = 1; step <= 200; step++) {
  await program.run(feeds);
  if (step === 50 || step === 200) memory[`after${step}`] = await residentBytes();
}
await engine.dispose();
memory.disposed = await residentBytes();
console.log(JSON.stringify(memory));
