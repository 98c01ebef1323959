/**
 * Masked auto-encoder on small photographs: three quarters of the patches are removed (arXiv 2111.06377).
 *
 *   ./hip pretrain image-family/mae --data ../shared/data/cifar10
 *   ./hip finetune image-family/finetune --from runs/image-family-mae --data ../shared/data/cifar10
 *
 * Figures, minutes and pictures: docs/results/image-family.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'image-family-mae',
  task: 'pretrain',
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true },
  model: { name: 'mae', variant: 'tiny' },
  masking: { scheme: 'uniform', ratio: 0.75, normalizeTargets: true },
  optimizer: { learningRate: 1e-3, warmupSteps: 100, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
