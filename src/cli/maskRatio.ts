/** What is masked, as typed: `--mask-ratio 0.85`, `--mask-ratio video=0.5,audio=1`, `--masking.ratio.audio 1`. */
import { unknownName } from '../errors/index.js';
import type { Modality } from '../models/index.js';
import { type Recipe, resolveRecipe } from '../training/index.js';
import { UsageError } from './usageError.js';

type Masking = Recipe['masking'];

const RATIO = 'masking.ratio';

/**
 * The masking of a model's training with what was typed instead.
 * @param ratio one share for all modalities, or some by name: nothing of the others is then masked but what must be
 * @param overrides values of a recipe's masking by dotted key; `masking.ratio.audio` leaves the other modalities as they were
 * @throws UsageError naming the key or modality that there is not
 */
export function maskingTyped(
  trained: Masking,
  modalities: readonly Modality[],
  ratio: string | undefined,
  overrides: Record<string, string>,
): Masking {
  const stray = Object.keys(overrides).find((key) => !key.startsWith('masking.'));
  if (stray) throw new UsageError(`${stray} changes nothing of a trained model's masking: leave it out.`);
  const others = Object.fromEntries(Object.entries(overrides).filter(([key]) => !key.startsWith(RATIO)));
  // A whole modality may be hidden here, which no training would do: the ratio is checked by itself.
  const masking = resolveRecipe({ masking: { ...trained, ratio: 0 } }, others).masking;
  let wanted = trained.ratio;
  const typed = ratio ?? overrides[RATIO];
  if (typed !== undefined) wanted = maskRatioNamed(typed, modalities);
  for (const [key, share] of Object.entries(overrides)) {
    if (!key.startsWith(`${RATIO}.`)) continue;
    const name = known(key.slice(RATIO.length + 1), modalities);
    wanted = { ...byModality(wanted, modalities), [name]: shareOf(share) };
  }
  return { ...masking, ratio: wanted };
}

function maskRatioNamed(typed: string, modalities: readonly Modality[]): Masking['ratio'] {
  if (!typed.includes('=')) return shareOf(typed);
  const named = typed.split(',').map((part): [string, number] => {
    const [name, share = ''] = part.split('=').map((half) => half.trim());
    return [known(name, modalities), shareOf(share)];
  });
  return { ...byModality(0, modalities), ...Object.fromEntries(named) };
}

function byModality(ratio: Masking['ratio'], modalities: readonly Modality[]): Record<string, number> {
  return typeof ratio === 'number' ? Object.fromEntries(modalities.map(({ name }) => [name, ratio])) : ratio;
}

function known(name: string, modalities: readonly Modality[]): string {
  const names = modalities.map((modality) => modality.name);
  if (!names.includes(name)) throw new UsageError(unknownName('modality of the model', name, names).message);
  return name;
}

function shareOf(typed: string): number {
  const share = Number(typed);
  if (typed.trim() === '' || Number.isNaN(share) || share < 0 || share > 1)
    throw new UsageError(
      `--mask-ratio must be a share of 0 to 1, or one by modality such as video=0.5,audio=1, not "${typed}".`,
    );
  return share;
}
