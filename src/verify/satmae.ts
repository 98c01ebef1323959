/** Golden cases of SatMAE: pre-training and fine-tuning on times and on groups of bands, and features of timestamps. */
import type { Engine } from '../engine/index.js';
import { input, type Tensor } from '../graph/index.js';
import { satMaeLayout } from '../models/layouts/index.js';
import { SATMAE_TIMES, satMaeOfOriginal } from '../models/published/satmae.js';
import {
  partCount,
  type SatMaeConfig,
  satMaeClassifier,
  satMaeDecoder,
  satMaeEncoder,
  satMaeTokenCount,
} from '../models/satmae.js';
import { TIME_COMPONENTS, timestampFeatures } from '../models/timestamps.js';
import { Scope } from '../nn/index.js';
import {
  bandReconstructionLoss,
  crossEntropy,
  maskFromOrder,
  numKept,
  orderByNoise,
  orderOfParts,
  type TokenMask,
  temporalReconstructionLoss,
} from '../objectives/index.js';
import type { Comparison } from './comparison.js';
import { floatsOf, type GoldenCase, integersOf, tensorOf } from './goldenCase.js';
import { pixelsOf } from './images.js';
import { compareModel } from './referenceModel.js';
import { CaseInputs } from './runGraph.js';

/** Runs a case of SatMAE. */
export async function verifySatMae(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  if (golden.config.encoderDimPerComponent !== undefined) return verifyTimestamps(golden, comparison);
  const config = satMaeOfOriginal(golden.config, { isTemporal: golden.io.has('input.timestamps') });
  const inputs = new CaseInputs(golden);
  const scope = Scope.root();
  const outputs = golden.config.num_classes === undefined ? pretrained(scope) : classified(scope);
  await compareModel(
    golden,
    comparison,
    engine,
    { needs: scope.needs, layout: satMaeLayout(config.patch) },
    inputs,
    outputs,
  );

  function pretrained(root: Scope): Record<string, Tensor> {
    const mask = maskOf(golden, config);
    const batch = tensorOf(golden, 'input.images').shape[0];
    const fed = (name: string, values: Int32Array | Float32Array, dtype: 'i32' | 'f32') => {
      inputs.feeds[name] = values;
      return input(name, [batch, values.length / batch], dtype);
    };
    const pixels = pixelsOfParts(inputs.of('images'), config);
    const kept = fed('kept', mask.kept, 'i32');
    const { tokens: latent } = satMaeEncoder(root, config, pixels, {
      kept,
      times: timesOf(config.partWidth, 'encoder'),
    });
    const pred = satMaeDecoder(root, config, latent, {
      restore: fed('restore', mask.restore, 'i32'),
      times: timesOf(config.decoder.partWidth, 'decoder'),
    });
    const removed = fed('removed', mask.mask, 'f32');
    compareMask(golden, comparison, mask, config);
    const target = { size: config.size, patch: config.patch, normalize: Boolean(golden.config.norm_pix_loss) };
    const { parts } = config;
    const loss =
      parts.kind === 'times'
        ? temporalReconstructionLoss(pred, pixels, removed, target)
        : bandReconstructionLoss(pred, pixels, removed, { ...target, groups: parts.groups, compared: 'slot' });
    return { latent, pred, loss };
  }

  function classified(root: Scope): Record<string, Tensor> {
    const { features, logits } = satMaeClassifier(root, config, pixelsOfParts(inputs.of('images'), config), {
      classes: golden.config.num_classes,
      pooling: golden.config.global_pool ? 'average' : 'token',
      times: timesOf(config.partWidth, 'encoder'),
    });
    const labels = inputs.maybe('labels', 'i32');
    return { features, logits, ...(labels && { loss: crossEntropy(logits, labels) }) };
  }

  /** Features of the case's timestamps as an input of the graph; none where parts are groups. */
  function timesOf(partWidth: number, name: string): Tensor | undefined {
    if (config.parts.kind === 'groups') return undefined;
    const features = timestampFeatures(floatsOf(golden, 'input.timestamps'), partWidth / TIME_COMPONENTS);
    const key = `${name}/times`;
    inputs.feeds[key] = features;
    return input(key, [features.length / (SATMAE_TIMES * partWidth), SATMAE_TIMES, partWidth]);
  }
}

/** Images `[B, T, C, H, W]` as `[B, T, H·W, C]`, or `[B, C, H, W]` as `[B, H·W, C]`. */
function pixelsOfParts(images: Tensor, { parts }: SatMaeConfig): Tensor {
  if (parts.kind === 'groups') return pixelsOf(images).pixels;
  const [batch, times, ...rest] = images.shape;
  const { pixels } = pixelsOf(images.reshape([batch * times, ...rest]));
  return pixels.reshape([batch, times, ...pixels.shape.slice(1)]);
}

/**
 * The mask of a case: from noise over all tokens, from noise over the places that all parts share, or from an order that is
 * given (`mask`).
 */
function maskOf(golden: GoldenCase, config: SatMaeConfig): TokenMask {
  const { mask_ratio: ratio = 0.75 } = golden.config;
  const total = satMaeTokenCount(config);
  const parts = partCount(config);
  const length = total / parts;
  if (golden.io.has('input.mask')) return maskFromOrder(integersOf(golden, 'input.mask'), total, numKept(total, ratio));
  const noise = floatsOf(golden, 'input.noise');
  if (!sharesPlaces(golden)) return maskFromOrder(orderByNoise(noise, total), total, numKept(total, ratio));
  const perPart = numKept(length, ratio);
  const order = orderOfParts(orderByNoise(noise, length), length, parts, perPart);
  // For times the reference counts what is kept of all tokens, so that some of the removed places may be kept once.
  return maskFromOrder(order, total, config.parts.kind === 'times' ? numKept(total, ratio) : parts * perPart);
}

function sharesPlaces({ config }: GoldenCase): boolean {
  return Boolean(config.same_mask ?? config.spatial_mask);
}

/** Compares the mask and the unshuffling indices, which the reference tells by place where groups share places. */
function compareMask(
  golden: GoldenCase,
  comparison: Comparison,
  { mask, restore }: TokenMask,
  config: SatMaeConfig,
): void {
  if (comparison.wants('output.mask')) comparison.expect('output.mask', mask);
  if (!comparison.wants('output.idsRestore')) return;
  const byPlace = config.parts.kind === 'groups' && sharesPlaces(golden);
  const length = satMaeTokenCount(config) / partCount(config);
  const ofPlaces = () => maskFromOrder(orderByNoise(floatsOf(golden, 'input.noise'), length), length, length).restore;
  comparison.expect('output.idsRestore', byPlace ? ofPlaces() : restore);
}

/** Features of timestamps at the reference's widths. */
function verifyTimestamps(golden: GoldenCase, comparison: Comparison): void {
  const { encoderDimPerComponent, decoderDimPerComponent } = golden.config;
  const timestamps = floatsOf(golden, 'input.timestamps');
  const widths = { encoder: encoderDimPerComponent, decoder: decoderDimPerComponent };
  for (const [name, width] of Object.entries(widths)) {
    if (comparison.wants(`output.${name}`)) comparison.expect(`output.${name}`, timestampFeatures(timestamps, width));
  }
}
