/** A discrete auto-encoder that learns its own tokens through relaxed choices (Ramesh et al. 2021, arXiv 2102.12092). */
import { input, oneHot, type Tensor } from '../../graph/index.js';
import {
  decodedPixels,
  decodeTokens,
  encodeTokens,
  mapPixels,
  mostProbableTokens,
  tokenGrid,
} from '../../models/discreteVae.js';
import type { DiscreteVaeSystemConfig } from '../../models/systems/discreteVae.js';
import { imageOf } from '../../models/systems/images.js';
import { fold } from '../../random/index.js';
import { discreteVaeLoss, gumbelNoise, temperatureAt } from '../discreteVae.js';
import { gumbelSoftmax } from '../gumbelSoftmax.js';
import type { BuildPretraining } from './pretraining.js';
import { unitPixels } from './unitPixels.js';

/** Steps, as a share of the run, in which the temperature sinks, and in which the divergence's weight rises. */
const COOLING = 0.8;
const WARMING = 0.2;

/** Reconstruct the image from tokens that are chosen softly, ever more firmly as the run goes on. Nothing is hidden. */
export const learnedTokens: BuildPretraining = (scope, model, inputs) => {
  const { divergenceWeight, temperatures, ...config } = model.config as DiscreteVaeSystemConfig;
  const { name, pixels, size } = imageOf('dvae', model.modalities, inputs);
  const [rows, columns] = tokenGrid(config, size);
  const [, elements, channels] = pixels.shape;
  const { toUnit, fromUnit } = unitPixels(model, name);
  const unit = toUnit(pixels);
  const logits = encodeTokens(scope.child('encoder'), config, unit, size);
  const noise = input('noise/choice', logits.shape);
  const temperature = input('temperature', []);
  const weight = input('divergenceWeight', []);
  const decode = (choice: Tensor) => decodeTokens(scope.child('decoder'), config, choice, [rows, columns], channels);
  const decoded = decode(gumbelSoftmax(logits, noise, { temperature }));
  const { loss, reconstruction, divergence } = discreteVaeLoss(logits, decoded, mapPixels(unit), { weight });
  const tokens = mostProbableTokens(logits);
  const firm = () => decodedPixels(decode(oneHot(tokens, config.vocabulary)));
  return {
    loss,
    metrics: { likelihood: reconstruction, divergence },
    about: `${rows * columns} tokens of ${config.vocabulary} for each image, nothing hidden`,
    feeds: ({ key, progress }) => ({
      'noise/choice': gumbelNoise(fold(key, 'choice'), logits.size),
      temperature: Float32Array.of(temperatureAt(progress, COOLING, { from: temperatures[0], to: temperatures[1] })),
      divergenceWeight: Float32Array.of(divergenceWeight * Math.min(1, progress / WARMING)),
    }),
    answers() {
      const filled = firm();
      const error = filled.sub(unit);
      return {
        [name]: {
          filled: fromUnit(filled),
          loss: error.mul(error).mean(),
          hidden: () => new Float32Array(elements).fill(1),
        },
      };
    },
  };
};
