/** Which devices the tests can run on here. */
import { existsSync } from 'node:fs';
import { probeDevice, SWIFTSHADER_DRIVER } from '../../src/engine/doctor.js';
import type { DeviceName } from '../../src/engine/index.js';

export interface TestDevice {
  device: DeviceName;
  /** Why the tests skip it; `false` where it works: the form that node:test takes. */
  skip: string | false;
}

/**
 * All devices but the reference. Where there is no GPU, WebGPU runs on SwiftShader if that is installed:
 * the variable that selects it is set for this process before any worker starts.
 */
export async function testDevices(): Promise<TestDevice[]> {
  const devices: TestDevice[] = [
    { device: 'cpu', skip: false },
    { device: 'wasm', skip: false },
  ];
  let report = await probeDevice('webgpu', { speed: false });
  if (!report.works && process.env.VK_ICD_FILENAMES === undefined && existsSync(SWIFTSHADER_DRIVER)) {
    report = await probeDevice('webgpu', { speed: false, environment: { VK_ICD_FILENAMES: SWIFTSHADER_DRIVER } });
    if (report.works) process.env.VK_ICD_FILENAMES = SWIFTSHADER_DRIVER;
  }
  return [
    ...devices,
    { device: 'webgpu', skip: report.works ? false : `webgpu does not work here: ${report.reason} ${report.advice}` },
  ];
}
