/** What the measurements were made on. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { availableMemory } from '../src/engine/memory.js';

/** Memory in bytes. */
export interface Machine {
  cpu: string;
  /** Threads that run at once. */
  cores: number;
  memory: number;
  availableMemory: number;
  platform: string;
  node: string;
  onnxRuntime: string;
  /** Processes that were running or waiting, mean over the minute before the start: other work makes times longer. */
  load: number;
  /** Start, ISO 8601. */
  date: string;
}

/** Describes this machine at this moment. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: totalmem(),
    availableMemory: availableMemory(),
    platform: `${process.platform}-${process.arch} ${release()}`,
    node: process.versions.node,
    onnxRuntime: versionOf('onnxruntime-node'),
    load: loadavg()[0],
    date: new Date().toISOString(),
  };
}

/** One line for people. */
export function machineLine({ cpu, cores, memory, node, onnxRuntime, platform, load, date }: Machine): string {
  const gigabytes = (memory / 2 ** 30).toFixed(0);
  const started = `${date.slice(0, 16).replace('T', ' ')} UTC`;
  return `${cpu}, ${cores} threads, ${gigabytes} GiB, ${platform}, Node ${node}, ONNX Runtime ${onnxRuntime}; load ${load.toFixed(1)} at the start, ${started}`;
}

function versionOf(name: string): string {
  let file = createRequire(import.meta.url).resolve(name);
  // The entry lies somewhere below the package's own folder.
  for (;;) {
    const folder = file.slice(0, file.lastIndexOf('/'));
    try {
      const { name: found, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
      if (found === name) return version;
    } catch {
      // No package.json here: one folder up.
    }
    if (folder === '' || folder === file) return 'unknown';
    file = folder;
  }
}
