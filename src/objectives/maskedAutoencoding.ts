/** Masked auto-encoding of raw inputs (arXiv 2202.10890, section 3.3): what was hidden is predicted from what was not. */
import { input, type Tensor } from '../graph/index.js';
import {
  groupRows,
  isPadded,
  type Modality,
  onlyReal,
  type PerceiverOutputs,
  type RowSelection,
  realElements,
  type System,
  selectRows,
  ungroup,
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
  /** Mean over the modalities that the batch has of the mean squared error over masked positions that are real. */
  loss: Tensor;
  /** The same by modality; 0 for one of which the batch has nothing. */
  losses: Record<string, Tensor>;
  /** Where validity is told: masked positions that are real, so many terms (times channels) each of `losses` is the mean of. */
  counts: Record<string, Tensor>;
  outputs: PerceiverOutputs;
  plans: MaskPlan[];
  /** By modality: the whole signal as it is filled in, `[B, I, C]`, normalised targets brought back; needs `reconstruct: 'all'`. */
  filled(): Record<string, Tensor>;
}

/** Added to a variance before its root is taken, as MAE does. */
const VARIANCE_EPSILON = 1e-6;

/**
 * The graph of the objective. `inputs[name]`: raw signals `[B, I, C]`; masks are further graph inputs (`maskFeeds`).
 * @param real which elements exist in the data, by modality `[B, I]` or `[B, 1]`: what does not exist is neither seen nor a
 *   target. A modality that is lost to the encoder alone (`dropModality`) stays a target.
 */
export function maskedAutoencoding(
  scope: Scope,
  system: System,
  config: unknown,
  modalities: readonly Modality[],
  inputs: Record<string, Tensor>,
  options: AutoencodingOptions,
  real: Record<string, Tensor> = {},
): Autoencoding {
  const grouping = system.grouping(config, modalities);
  const batch = Object.values(inputs)[0].shape[0];
  const plans = planMasks(grouping, scope.training ? options : { ...options, dropModality: 0 }, batch);
  const drops = options.input === 'drop';
  const selections: Record<string, RowSelection> = {};
  const seen: Record<string, Tensor> = { ...inputs };
  const valid: Record<string, Tensor> = { ...real };
  const masked = new Map<string, Tensor>();
  for (const { part, examples, groups, numVisible, numMasked, dropModality } of plans) {
    const names = maskInputs(part.name);
    const hidden = numVisible === 0;
    const rows = input(names.masked, [examples, groups, numMasked], 'i32');
    masked.set(part.name, rows);
    selections[part.name] = {
      visible: hidden ? 'none' : drops ? input(names.visible, [examples, groups, numVisible], 'i32') : undefined,
      queried: options.reconstruct === 'masked' ? rows : undefined,
    };
    if (dropModality > 0 && !hidden) {
      const inSight = input(names.seen, [batch, 1]);
      const told = valid[part.name];
      valid[part.name] = told ? told.cast('f32').mul(inSight) : inSight;
    }
    if (!drops && !hidden)
      seen[part.name] = inputs[part.name].mul(
        input(names.keep, [examples, part.indexDim]).reshape([examples, part.indexDim, 1]),
      );
  }
  const outputs = system.apply(scope, config, modalities, seen, { selections, valid });
  const losses: Record<string, Tensor> = {};
  const counts: Record<string, Tensor> = {};
  const filled: Record<string, () => Tensor> = {};
  for (const { part } of plans) {
    const { name } = part;
    const modality = modalities.find((m) => m.name === name)!;
    const exists = realElements(modality, inputs[name], real[name]);
    const padding = isPadded(part) ? validRows(part, grouping.indexDimPerGroup) : undefined;
    const realRows = exists ? groupRows(exists, part) : padding;
    const targets = groupRows(onlyReal(inputs[name], exists), part);
    const rows = masked.get(name)!;
    const predicted = outputs.reconstruction[name];
    const answer = options.reconstruct === 'masked' ? predicted : selectRows(groupRows(predicted, part), rows);
    filled[name] = () =>
      options.normalizeTargets
        ? ungroup(restored(groupRows(predicted, part), targets, realRows), { ...grouping, modalities: [part] })[name]
        : predicted;
    const error = answer.sub(selectRows(options.normalizeTargets ? normalized(targets, realRows) : targets, rows));
    const counted = realRows && selectRows(realRows, rows);
    if (exists) counts[name] = counted!.sum();
    losses[name] = meanSquare(error, counted);
  }
  return {
    loss: meanOfPresent(losses, counts),
    losses,
    counts,
    outputs,
    plans,
    filled: () => Object.fromEntries(Object.entries(filled).map(([name, make]) => [name, make()])),
  };
}

/** Mean of the squares of `error` `[B, G, Q, C]` over the rows that are `counted` (1, not 0; `[B or 1, G, Q, 1]`); 0 of none. */
function meanSquare(error: Tensor, counted: Tensor | undefined): Tensor {
  const squared = error.mul(error);
  if (!counted) return squared.mean();
  const terms = counted
    .sum()
    .maximum(1)
    .mul(squared.size / counted.size);
  return squared.mul(counted).sum().div(terms);
}

/** The mean of the losses of modalities of which the batch has something: each that it has weighs the same. */
function meanOfPresent(losses: Record<string, Tensor>, counts: Record<string, Tensor>): Tensor {
  const total = Object.values(losses).reduce((a, b) => a.add(b));
  const always = Object.keys(losses).length - Object.keys(counts).length;
  const present = Object.values(counts).map((count) => count.minimum(1));
  if (present.length === 0) return total.div(always);
  return total.div(
    present
      .reduce((a, b) => a.add(b))
      .add(always)
      .maximum(1),
  );
}

/** Each group of each example, `[B, G, M, C]`, to mean 0 and variance 1 over its channels and those rows that are real. */
function normalized(x: Tensor, valid?: Tensor): Tensor {
  const { centred, deviation } = statisticsOf(x, valid);
  return centred.div(deviation);
}

/** What was predicted in place of {@link normalized} targets, with mean and deviation of the true ones. */
function restored(predicted: Tensor, x: Tensor, valid?: Tensor): Tensor {
  const { mean, deviation } = statisticsOf(x, valid);
  return predicted.mul(deviation).add(mean);
}

function statisticsOf(x: Tensor, valid?: Tensor): { mean: Tensor; centred: Tensor; deviation: Tensor } {
  const share = valid ? valid.mean(2, true).maximum(1 / x.shape[2]) : undefined;
  const meanOf = (y: Tensor) => (share ? y.mean([2, 3], true).div(share) : y.mean([2, 3], true));
  const mean = meanOf(x);
  const centred = valid ? x.sub(mean).mul(valid) : x.sub(mean);
  return { mean, centred, deviation: meanOf(centred.mul(centred)).add(VARIANCE_EPSILON).sqrt() };
}
