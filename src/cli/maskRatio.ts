/** Mask ratios as typed: `0.85`, or by modality `video=0.5,audio=1`. */
import { unknownName } from '../errors/index.js';
import type { Modality } from '../models/index.js';
import { UsageError } from './usageError.js';

/** One share for all modalities, or one for each; where some are named, nothing of the others is masked but what must be. */
export function maskRatioNamed(typed: string, modalities: readonly Modality[]): number | Record<string, number> {
  if (!typed.includes('=')) return shareOf(typed);
  const names = modalities.map(({ name }) => name);
  const named = typed.split(',').map((part): [string, number] => {
    const [name, share = ''] = part.split('=').map((half) => half.trim());
    if (!names.includes(name)) throw new UsageError(unknownName('modality of the model', name, names).message);
    return [name, shareOf(share)];
  });
  return { ...Object.fromEntries(names.map((name) => [name, 0])), ...Object.fromEntries(named) };
}

function shareOf(typed: string): number {
  const share = Number(typed);
  if (typed.trim() === '' || Number.isNaN(share) || share < 0 || share > 1)
    throw new UsageError(
      `--mask-ratio must be a share of 0 to 1, or one by modality such as video=0.5,audio=1, not "${typed}".`,
    );
  return share;
}
