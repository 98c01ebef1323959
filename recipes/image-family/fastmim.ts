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
  // Cells of histograms are 8 pixels wide, and so are patches: images of 64 have as many of them as the others.
  data: { imageSize: 64, channels: 3, crop: 'none', flip: true },
  model: { name: 'fastmim', variant: 'tiny' },
  masking: { scheme: 'uniform', ratio: 0.75 },
  optimizer: { learningRate: 1e-3, warmupSteps: 100, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
