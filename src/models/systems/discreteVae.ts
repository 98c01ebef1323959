/** The discrete auto-encoder as a system: what BEiT's tokens come from. */
import { oneHot } from '../../graph/index.js';
import {
  type DiscreteVaeConfig,
  decodedPixels,
  decodeTokens,
  discreteVaeVariants,
  encodeTokens,
  mostProbableTokens,
  tokenGrid,
} from '../discreteVae.js';
import type { System } from '../system.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks } from './images.js';

/** Sizes, and what it is trained with. */
export interface DiscreteVaeSystemConfig extends DiscreteVaeConfig {
  /** Weight of the divergence from an even choice of tokens (β). */
  divergenceWeight: number;
  /** Temperature of the relaxed choice at the beginning and at the end. */
  temperatures: readonly [from: number, to: number];
}

/** Of the paper (arXiv 2102.12092, appendix A.2) the temperatures; its β of 6.6 belongs to 8,192 tokens. */
const training = { divergenceWeight: 0, temperatures: [1, 1 / 16] as const };

export const discreteVaeSystem: System<DiscreteVaeSystemConfig> = {
  name: 'dvae',
  summary: 'Discrete auto-encoder: images as visual tokens, which BEiT predicts',
  paper: 'arXiv 2102.12092',
  variants: Object.fromEntries(
    Object.entries(discreteVaeVariants).map(([name, sizes]) => [name, { ...sizes, ...training }]),
  ),
  masksElements: false,
  grouping: oneGroup,

  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('dvae', options);
    const { name, pixels, size } = imageOf('dvae', modalities, inputs);
    const logits = encodeTokens(scope.child('encoder'), config, pixels, size);
    const outputs = encoderOutputs(scope, logits, [logits], logits.softmax(-1));
    if (options.encoderOnly) return outputs;
    const choice = oneHot(mostProbableTokens(logits), config.vocabulary);
    const decoded = decodeTokens(scope.child('decoder'), config, choice, tokenGrid(config, size), pixels.shape[2]);
    return { ...outputs, reconstruction: { [name]: decodedPixels(decoded) } };
  },
};
