/** Modalities as typed: `image=224x224x3`, `audio=48000x1`, `label=32x1`. */
import type { Modality } from '../models/index.js';
import { UsageError } from './usageError.js';

/** Reads `NAME=SIZESxCHANNELS`: the grid of the elements, then the channels of each. */
function parseModality(typed: string): Modality {
  const [, name, sizes] = /^([\w.-]+)=(\d+(?:[x×]\d+)+)$/.exec(typed) ?? [];
  const numbers = sizes?.split(/[x×]/).map(Number) ?? [];
  if (name === undefined || numbers.some((n) => !Number.isSafeInteger(n) || n < 1)) {
    throw new UsageError(
      `An input is NAME=SIZESxCHANNELS, such as image=224x224x3 or audio=48000x1, and not "${typed}".`,
    );
  }
  return { name, indexShape: numbers.slice(0, -1), channels: numbers[numbers.length - 1] };
}

/** Modalities of one data set, which must have different names. */
export function parseModalities(typed: readonly string[]): Modality[] {
  const modalities = typed.map(parseModality);
  for (const { name } of modalities) {
    if (modalities.filter((m) => m.name === name).length > 1)
      throw new UsageError(`The input "${name}" is given twice.`);
  }
  return modalities;
}

/** `image 224x224x3, label 1x1000` */
export function describeModalities(modalities: readonly Modality[]): string {
  return modalities
    .map(({ name, indexShape, channels }) => `${name} ${[...indexShape, channels].join('x')}`)
    .join(', ');
}
