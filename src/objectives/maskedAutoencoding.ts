/** Masked auto-encoding of raw inputs (arXiv 2202.10890, section 3.3): what was hidden is predicted from what was not. */
import { input, type Tensor } from '../graph/index.js';
import {
  groupRows,
  isPadded,
  type Modality,
  type PerceiverOutputs,
  type RowSelection,
  type System,
  selectRows,
  validRows,
} from '../models/index.js';
import type { Scope } from '../nn/index.js';
import { type MaskingOptions, type MaskPlan, maskInputs, planMasks } from './masks.js';

/** What is hidden, and what is asked for. */
export interface AutoencodingOptions extends MaskingOptions {
  /** Positions that the decoder answers for: the masked ones alone, or all (the loss counts the masked ones either way). */
  reconstruct: 'masked' | 'all';
  /** Whether targets are brought to mean 0 and variance 1 within each group of each example (MAE's `normPixLoss`). */
  normalizeTargets: boolean;
}

/** The objective as tensors. */
export interface Autoencoding {
  /** Mean over modalities of the mean squared error over masked positions. */
  loss: Tensor;
  /** The same by modality. */
  losses: Record<string, Tensor>;
  outputs: PerceiverOutputs;
  plans: MaskPlan[];
}

/** Added to a variance before its root is taken, as MAE does. */
const VARIANCE_EPSILON = 1e-6;

/** The graph of the objective. `inputs[name]`: raw signals `[B, I, C]`; masks are further graph inputs (`maskFeeds`). */
export function maskedAutoencoding(
  scope: Scope,
  system: System,
  config: unknown,
  modalities: readonly Modality[],
  inputs: Record<string, Tensor>,
  options: AutoencodingOptions,
): Autoencoding {
  const grouping = system.grouping(config, modalities);
  const batch = Object.values(inputs)[0].shape[0];
  const plans = planMasks(grouping, options, batch);
  const drops = options.input === 'drop';
  const selections: Record<string, RowSelection> = {};
  const seen: Record<string, Tensor> = { ...inputs };
  const masked = new Map<string, Tensor>();
  for (const { part, examples, groups, numVisible, numMasked } of plans) {
    const names = maskInputs(part.name);
    const rows = input(names.masked, [examples, groups, numMasked], 'i32');
    masked.set(part.name, rows);
    selections[part.name] = {
      visible: drops ? input(names.visible, [examples, groups, numVisible], 'i32') : undefined,
      queried: options.reconstruct === 'masked' ? rows : undefined,
    };
    if (!drops)
      seen[part.name] = inputs[part.name].mul(
        input(names.keep, [examples, part.indexDim]).reshape([examples, part.indexDim, 1]),
      );
  }
  const outputs = system.apply(scope, config, modalities, seen, { selections });
  const losses: Record<string, Tensor> = {};
  for (const { part } of plans) {
    const rows = masked.get(part.name)!;
    const targets = groupRows(inputs[part.name], part);
    const predicted = outputs.reconstruction[part.name];
    const answer = options.reconstruct === 'masked' ? predicted : selectRows(groupRows(predicted, part), rows);
    const valid = isPadded(part) ? validRows(part, grouping.indexDimPerGroup) : undefined;
    const error = answer.sub(selectRows(options.normalizeTargets ? normalized(targets, valid) : targets, rows));
    const squared = error.mul(error);
    if (valid) {
      const counted = selectRows(valid, rows);
      losses[part.name] = squared
        .mul(counted)
        .sum()
        .div(counted.sum().mul(squared.size / counted.size));
    } else losses[part.name] = squared.mean();
  }
  const all = Object.values(losses);
  return { loss: all.reduce((a, b) => a.add(b)).div(all.length), losses, outputs, plans };
}

/** Each group of each example, `[B, G, M, C]`, to mean 0 and variance 1 over its channels and those rows that are no padding. */
function normalized(x: Tensor, valid?: Tensor): Tensor {
  const share = valid ? valid.mean(2, true).maximum(1 / x.shape[2]) : undefined;
  const mean = (y: Tensor) => (share ? y.mean([2, 3], true).div(share) : y.mean([2, 3], true));
  const centred = valid ? x.sub(mean(x)).mul(valid) : x.sub(mean(x));
  return centred.div(mean(centred.mul(centred)).add(VARIANCE_EPSILON).sqrt());
}
