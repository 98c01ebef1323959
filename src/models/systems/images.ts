/** What systems that take one image, or frames, share: which input it is, and how tokens look to the rest of the house. */
import { ensure } from '../../errors/index.js';
import type { Tensor } from '../../graph/index.js';
import type { Scope, Size2d } from '../../nn/index.js';
import type { Grouping } from '../grouping.js';
import { indexDim, type Modality } from '../modality.js';
import { segmentationOf, segmentPatches } from '../patchSegmentation.js';
import type { ApplyOptions, ClassLogits, DenseLogits, PerceiverOutputs } from '../system.js';
import { withoutClassToken } from '../tokens.js';
import { type VitConfig, type VitEncoderConfig, vit, vitEncoder } from '../vit.js';

/** The one image that a system takes. */
export interface ImageInput {
  name: string;
  /** `[B, H·W, C]` */
  pixels: Tensor;
  size: Size2d;
}

/** The image among the inputs. Throws where there is none, or anything else besides. */
export function imageOf(system: string, modalities: readonly Modality[], inputs: Record<string, Tensor>): ImageInput {
  const [image] = modalities;
  ensure(
    modalities.length === 1 && image.indexShape.length === 2,
    () => `${system} takes one image and nothing else: use hip for ${modalities.map((m) => m.name).join(', ')}.`,
  );
  return { name: image.name, pixels: inputs[image.name], size: [image.indexShape[0], image.indexShape[1]] };
}

/** All elements of a modality in one group, as far as others ask. */
export function oneGroup(_: unknown, modalities: readonly Modality[]): Grouping {
  const parts = modalities.map((m) => ({
    name: m.name,
    indexDim: indexDim(m),
    groups: 1,
    finalPadding: 0,
    groupPadding: 0,
  }));
  return { indexDimPerGroup: Math.max(...parts.map((part) => part.indexDim)), modalities: parts };
}

/** Tokens `[B, N, D]` as blocks are elsewhere, `[B, 1, N, D]`. */
export function asBlock(tokens: Tensor): Tensor {
  const [batch, count, width] = tokens.shape;
  return tokens.reshape([batch, 1, count, width]);
}

/**
 * What an encoder answers: blocks as they are, but the last one as heads read it (after its norm, without class token).
 * @param embedded what the first block reads, `[B, N, D]`
 */
export function encoderOutputs(
  scope: Scope,
  embedded: Tensor,
  blocks: readonly Tensor[],
  last: Tensor,
): PerceiverOutputs {
  scope.tap('inputs', asBlock(embedded));
  return { blocks: [...blocks.slice(0, -1), last].map(asBlock), reconstruction: {}, latents: {} };
}

/** Throws where raw elements are masked, which models of patches do not know. */
export function refuseMasks(system: string, { selections = {} }: ApplyOptions): void {
  ensure(
    Object.keys(selections).length === 0,
    () => `${system} reads patches, and masked elements are not for it: fine-tune it, or pre-train hip.`,
  );
}

/** Named sizes without what the input tells: the image's size, and its channels. */
export function withoutSizes<C extends object>(
  variants: Record<string, C>,
): Record<string, Omit<C, 'size' | 'channels'>> {
  return Object.fromEntries(
    Object.entries(variants).map(([name, config]) => {
      const { size: _, channels: __, ...rest } = config as C & { size?: unknown; channels?: unknown };
      return [name, rest as Omit<C, 'size' | 'channels'>];
    }),
  );
}

/** A vision transformer with its head. `config.classes` is at least 1. */
export function vitLogits(scope: Scope, config: VitConfig, pixels: Tensor, size: Size2d): ClassLogits {
  const { embedded, blocks, tokens, logits } = vit(scope, config, pixels, size);
  const last = config.classToken ? withoutClassToken(tokens) : tokens;
  return { ...encoderOutputs(scope, embedded, blocks, last), logits: logits! };
}

/** Of a transformer's width: with all of it, the head alone would be several times the encoder's operations. */
const JOINED_SHARE = 1 / 3;

/** A vision transformer with UperNet on four of its states: a class for every pixel. */
export function vitDenseLogits(
  scope: Scope,
  config: VitEncoderConfig,
  pixels: Tensor,
  size: Size2d,
  classes: number,
): DenseLogits {
  const { embedded, blocks } = vitEncoder(scope, config, pixels, size);
  const last = blocks[blocks.length - 1];
  const outputs = encoderOutputs(scope, embedded, blocks, config.classToken ? withoutClassToken(last) : last);
  const { patch, width } = config;
  const head = { ...segmentationOf(config, classes), channels: Math.ceil(width * JOINED_SHARE) };
  return segmentPatches(scope, head, [embedded, ...blocks], { size, patch, outputs });
}
