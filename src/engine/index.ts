/** Runs graphs: `createEngine({ device })`, `engine.compile(graph)`, `program.run(feeds)`. */
import { platform } from '#platform';
import { unknownName } from '../errors/index.js';
import { ReferenceEngine } from './reference.js';
import { RemoteEngine } from './remote.js';
import type { DeviceName, Engine, EngineOptions } from './types.js';

/** Every device there is; not all work everywhere. */
export const DEVICES: readonly DeviceName[] = ['cpu', 'webgpu', 'wasm', 'reference'];

/** Starts a device. Throws a sentence with the reason where it does not work here. */
export async function createEngine({
  device = platform.defaultDevice,
  threads = 0,
}: EngineOptions = {}): Promise<Engine> {
  if (!DEVICES.includes(device)) throw unknownName('device', device, DEVICES);
  if (device === 'reference') return new ReferenceEngine();
  return RemoteEngine.start(device, threads > 0 ? threads : platform.defaultThreads(), platform.spawn(device));
}

export { evaluate } from './reference.js';
export type { BufferContent, DeviceName, Engine, EngineOptions, Program, Residency } from './types.js';
