/** Says which devices work on this machine and, for those that do not, why and what to do. Node only. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ProbeResult } from './doctorProbe.js';
import { reasonFor } from './explain.js';
import { DEVICES } from './index.js';
import { availableMemory } from './memory.js';
import { type Placement, placementOf } from './placement.js';
import { checkedGraph } from './selfCheck.js';
import type { DeviceName } from './types.js';

/** How a trial of one device went. */
export interface DeviceReport {
  device: DeviceName;
  works: boolean;
  /** What it runs on and how fast; for a device that does not work, the same as the reason. */
  detail: string;
  reason?: string;
  advice?: string;
}

/** What the devices run on. */
export interface SystemReport {
  node: string;
  platform: string;
  cores: number;
  /** Bytes. */
  memory: number;
  availableMemory: number;
  /** Version of sharp, which decodes pictures; absent where it does not load. */
  sharp?: string;
}

/** A driver in software that Debian's chromium package ships. */
export const SWIFTSHADER_DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const PROBE_LIMIT_MS = 60_000;

/** Tries all devices, one after the other, each in a process of its own. */
export async function probeDevices(devices: readonly DeviceName[] = DEVICES): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of devices) reports.push(await probeDevice(device));
  return reports;
}

/**
 * Tries one device. Never throws, even where a driver ends the process.
 * `speed`: also time a matrix product, and look where WebGPU puts nodes. `environment`: variables set for the trial, such as VK_ICD_FILENAMES.
 */
export async function probeDevice(
  device: DeviceName,
  { speed = true, environment = {} }: { speed?: boolean; environment?: Record<string, string> } = {},
): Promise<DeviceReport> {
  const result = await runProbe(device, speed, environment);
  if (result.error !== undefined) {
    const reason = reasonFor(result.error, device);
    return { device, works: false, detail: reason, reason, advice: adviceFor(device, result.error) };
  }
  const facts = [
    runsOn(device),
    `self-check passed in ${result.checkSeconds!.toFixed(1)} s`,
    `first result after ${result.startSeconds!.toFixed(1)} s`,
  ];
  if (result.half !== undefined) facts.push(result.half ? '16-bit floats work' : 'no 16-bit floats');
  if (device === 'webgpu' && speed) facts.push(describePlacement(await placementOf(checkedGraph().graph, environment)));
  if (result.gigaflops !== undefined)
    facts.push(`${result.gigaflops.toFixed(result.gigaflops < 10 ? 1 : 0)} GFLOP/s in a 512³ matrix product`);
  return { device, works: true, detail: facts.join(', ') };
}

function describePlacement({ gpu, cpu, misplaced }: Placement): string {
  if (cpu === 0) return `all ${gpu} nodes of a training step on the GPU`;
  const operators = Object.keys(misplaced).filter((name) => !name.startsWith('Memcpy'));
  return `${cpu} of ${gpu + cpu} nodes of a training step on the CPU (${operators.join(', ')})`;
}

/** The machine and the program's surroundings. */
export async function systemReport(): Promise<SystemReport> {
  let sharp: string | undefined;
  try {
    sharp = (await import('sharp')).default.versions.sharp;
  } catch {
    // Reported by its absence.
  }
  return {
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cores: availableParallelism(),
    memory: totalmem(),
    availableMemory: availableMemory(),
    sharp,
  };
}

function runProbe(device: DeviceName, speed: boolean, environment: Record<string, string>): Promise<ProbeResult> {
  const script = fileURLToPath(new URL('./doctorProbe.js', import.meta.url));
  const options = { env: { ...process.env, ...environment }, timeout: PROBE_LIMIT_MS, killSignal: 'SIGKILL' as const };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, device, ...(speed ? ['speed'] : [])], options, (failure, stdout, stderr) => {
      // A driver may crash while the process ends, after a good result.
      if (stdout.startsWith('{')) return resolve(JSON.parse(stdout) as ProbeResult);
      const lastLine = stderr.trim().split('\n').pop() ?? '';
      const ending = failure?.killed
        ? `The trial did not end within ${PROBE_LIMIT_MS / 1000} s.`
        : `The trial's process was ended by ${failure?.signal ?? `code ${failure?.code}`}${lastLine ? `: ${lastLine}` : ''}.`;
      resolve({ error: ending });
    });
  });
}

function runsOn(device: DeviceName): string {
  if (device === 'reference') return 'plain TypeScript in double precision, for tests';
  if (device === 'webgpu') {
    const driver = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
    return driver ? `the Vulkan driver ${driver}` : "the system's graphics driver";
  }
  const threads = availableParallelism();
  const build = device === 'cpu' ? "ONNX Runtime's native build" : "ONNX Runtime's WebAssembly build";
  return `${build}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

function adviceFor(device: DeviceName, error: string): string {
  if (/Cannot find (package|module) 'onnxruntime/.test(error)) return 'Run "npm install" in the project\'s folder.';
  if (device === 'cpu') {
    return 'onnxruntime-node ships binaries for Linux and macOS (x64, arm64) and Windows; on another platform, or with an old C library, use --device wasm.';
  }
  if (device === 'wasm') return 'Run "npm install" again; Node 20 or later is needed for WebAssembly with threads.';
  if (device === 'reference') return 'The build is incomplete: delete dist/ and start again.';
  return webgpuAdvice();
}

function webgpuAdvice(): string {
  if (process.platform !== 'linux') return "Install the graphics card's current driver; meanwhile use --device cpu.";
  if (!canLoad('libvulkan.so.1'))
    return "Install the Vulkan loader (Debian and Ubuntu: apt-get install libvulkan1) and the graphics card's driver.";
  const hardware = "Install the graphics card's Vulkan driver (for Mesa: mesa-vulkan-drivers)";
  const named = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
  if (named) return `${hardware}, or correct VK_ICD_FILENAMES, which names ${named}.`;
  return existsSync(SWIFTSHADER_DRIVER)
    ? `${hardware}; to try WebGPU without a GPU, slowly: set VK_ICD_FILENAMES=${SWIFTSHADER_DRIVER}.`
    : `${hardware}; to try WebGPU without a GPU, slowly: install chromium, and set VK_ICD_FILENAMES=${SWIFTSHADER_DRIVER}.`;
}

/** Whether the system's loader finds a shared library. One that loads is then refused for not being an addon of Node's. */
function canLoad(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library);
    return true;
  } catch (error) {
    return !/cannot open shared object|no such file|image not found/i.test((error as Error).message);
  }
}
