/**
 * The discrete auto-encoder whose tokens recipes/image-family/beit.ts predicts (arXiv 2102.12092). Nothing but images is needed.
 *
 *   ./hip pretrain image-family/dvae --data ../shared/data/cifar10
 *
 * Figures, minutes and pictures: docs/results/image-family.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'image-family-dvae',
  task: 'pretrain',
  // Tokens are learned of pixels as they are stored, 0 to 1.
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true, mean: [0, 0, 0], std: [1, 1, 1] },
  model: { name: 'dvae', variant: 'tiny', config: { groups: 3, divergenceWeight: 0 } },
  optimizer: { learningRate: 2e-3, warmupSteps: 50, weightDecay: 0 },
  training: { steps: 1000, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
