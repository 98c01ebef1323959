/** Options of the commands that run a trained model on data. */
import { createEngine, DEVICES, type DeviceName, type Engine } from '../engine/index.js';
import { ensure, unknownName } from '../errors/index.js';
import type { OptionSpec } from './command.js';

/** `--data`: other data than those of the training. */
export const dataOption = {
  type: 'string',
  placeholder: 'PATH',
  help: 'data to use (default: those that the model was trained on)',
} as const satisfies OptionSpec;

/** `--split`: the part of the data. */
export const splitOption = {
  type: 'string',
  default: 'test',
  help: 'train, val or test; without a stored test split, the share that training held out',
} as const satisfies OptionSpec;

/** `--device`: where to run. */
export const deviceOption = {
  type: 'string',
  default: 'cpu',
  placeholder: 'NAME',
  help: DEVICES.join(', '),
} as const satisfies OptionSpec;

/** The model to run. */
export const checkpointArgument = { name: 'CHECKPOINT', help: 'checkpoint folder, run folder or .safetensors file' };

/** The device that was typed. Throws with the nearest name where there is none. */
export function deviceNamed(device: string): DeviceName {
  if (!DEVICES.includes(device as DeviceName)) throw unknownName('device', device, DEVICES);
  return device as DeviceName;
}

/** Starts the device that was typed. */
export function startEngine(device: string): Promise<Engine> {
  return createEngine({ device: deviceNamed(device) });
}

/** A count that was typed: a whole number from 1 up, or absent. */
export function countOption(flag: string, value: number): number;
export function countOption(flag: string, value: number | undefined): number | undefined;
export function countOption(flag: string, value: number | undefined): number | undefined {
  ensure(
    value === undefined || (Number.isInteger(value) && value >= 1),
    () => `${flag} must be a whole number of at least 1, not ${value}.`,
  );
  return value;
}
