/**
 * SatMAE beside the image family: the three colours are its groups of bands, each masked by itself (arXiv 2207.08051).
 *
 *   ./hip pretrain image-family/satmae --data ../shared/data/cifar10
 *   ./hip finetune image-family/finetune --from runs/image-family-satmae --data ../shared/data/cifar10
 *
 * Figures, minutes and pictures: docs/results/image-family.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'image-family-satmae',
  task: 'pretrain',
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true },
  model: {
    name: 'satmae',
    variant: 'bands-tiny',
    config: { patch: [4, 4], parts: { kind: 'groups', groups: [[0], [1], [2]] } },
  },
  masking: { scheme: 'uniform', ratio: 0.75, normalizeTargets: true },
  optimizer: { learningRate: 1e-3, warmupSteps: 100, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
