import { type DeviceReport, probeDevices, type SystemReport, systemReport } from '../../engine/doctor.js';
import { defineCommand } from '../command.js';
import { formatBytes } from '../quantities.js';
import { formatTable } from '../table.js';

/** `hip doctor`: which devices work here, and what to do about the others. */
export const command = defineCommand({
  name: 'doctor',
  summary: 'Try every device and say which work here, and what to do about the others',
  usage: '[options]',
  description: 'Each device computes a small training step in a process of its own and is compared with the reference.',
  options: {},
  examples: ['hip doctor', 'hip doctor --json'],
  run: async ({ output }) => {
    const system = await systemReport();
    const devices = await probeDevices();
    output.result({ system, devices }, () => [describeSystem(system), '', describeDevices(devices)].join('\n'));
  },
});

function describeSystem({ node, platform, cores, memory, availableMemory, sharp }: SystemReport): string {
  return formatTable([
    ['Node', `${node} on ${platform}, ${cores} cores`],
    ['memory', `${formatBytes(memory)}, of which ${formatBytes(availableMemory)} are free`],
    ['pictures', sharp ? `sharp ${sharp}` : 'sharp does not load: run "npm install" in the project’s folder'],
  ]);
}

function describeDevices(devices: readonly DeviceReport[]): string {
  const table = formatTable(
    devices.map(({ device, works, detail }) => [device, works ? 'works' : 'no', detail]),
    ['device', '', 'what it runs on'],
  );
  const advice = devices.filter(({ works }) => !works).map(({ device, advice }) => `${device}: ${advice}`);
  return [table, ...(advice.length > 0 ? ['', ...advice] : [])].join('\n');
}
