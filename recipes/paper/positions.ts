/**
 * What learned positions are worth (arXiv 2202.10890, its ablation of position embeddings): masked pre-training of a small
 * HiP on Fashion-MNIST. `npm run paper -- positions` runs every row of the table with it and positions-finetune.
 *
 *   ./hip pretrain paper/positions                               # learned by masked auto-encoding
 *   ./hip pretrain paper/positions --data.permutation 1          # the same, pixels shuffled by one permutation
 *
 * Figures, minutes and logs: docs/results/positions.md
 */
import { fileURLToPath } from 'node:url';
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'paper-positions',
  task: 'pretrain',
  data: {
    path: fileURLToPath(new URL('../../assets/fashion-mnist', import.meta.url)),
    imageSize: 28,
    channels: 1,
    crop: 'none',
    flip: false,
  },
  model: {
    name: 'hip',
    variant: 'tiny',
    config: { numGroups: [2, 1, 2], zIndexDim: [64, 32, 64] },
    positionInitScale: 0.3,
  },
  masking: { scheme: 'group', ratio: 0.85, input: 'drop', perExample: true, reconstruct: 'masked' },
  optimizer: { learningRate: 3e-3, positionLearningRateScale: 10, warmupSteps: 50, weightDecay: 0.01 },
  training: { steps: 3000, batchSize: 16, checkpointEvery: 0, logEvery: 20 },
});
