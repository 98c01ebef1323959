/** Runs graphs: `createEngine({ device })`, `engine.compile(graph)`, `program.run(feeds)`. */
import { platform } from '#platform';
import { unknownName } from '../errors/index.js';
import { ReferenceEngine } from './reference.js';
import { RemoteEngine } from './remote.js';
import { selfCheck } from './selfCheck.js';
import type { DeviceName, Engine, EngineOptions } from './types.js';

/** Every device there is; not all work everywhere. */
export const DEVICES: readonly DeviceName[] = ['cpu', 'webgpu', 'wasm', 'reference'];

/** Devices that are checked before their first use in this process. The native CPU build is what the tests stand on. */
const CHECKED: readonly DeviceName[] = ['webgpu', 'wasm'];
const passed = new Set<DeviceName>();

/** Starts a device. Throws a sentence with the reason where it does not work here, or computes wrong results. */
export async function createEngine({
  device = platform.defaultDevice,
  threads = 0,
  check = CHECKED.includes(device) && !passed.has(device),
}: EngineOptions = {}): Promise<Engine> {
  if (!DEVICES.includes(device)) throw unknownName('device', device, DEVICES);
  if (device === 'reference') return new ReferenceEngine();
  const engine = await RemoteEngine.start(
    device,
    threads > 0 ? threads : platform.defaultThreads(),
    platform.spawn(device),
  );
  if (!check) return engine;
  try {
    await selfCheck(engine);
    passed.add(device);
    return engine;
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

export { evaluate } from './reference.js';
export { type Precision, selfCheck } from './selfCheck.js';
export type { BufferContent, DeviceName, Engine, EngineOptions, Program, Residency } from './types.js';
