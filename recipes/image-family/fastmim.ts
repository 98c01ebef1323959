/**
 * FastMIM on small photographs: histograms of oriented gradients of hidden blocks (arXiv 2212.06593).
 *
 *   ./hip pretrain image-family/fastmim --data ../shared/data/cifar10
 *   ./hip finetune image-family/finetune --from runs/image-family-fastmim --data ../shared/data/cifar10
 *
 * Figures, minutes and pictures: docs/results/image-family.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'image-family-fastmim',
  task: 'pretrain',
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true },
  model: { name: 'fastmim', variant: 'tiny' },
  masking: { scheme: 'uniform', ratio: 0.75 },
  optimizer: { learningRate: 1e-3, warmupSteps: 100, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
