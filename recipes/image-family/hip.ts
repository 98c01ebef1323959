/**
 * HiP beside the image family: raw pixels in, positions learned (arXiv 2202.10890).
 *
 *   ./hip pretrain image-family/hip --data ../shared/data/cifar10
 *   ./hip finetune image-family/finetune --from runs/image-family-hip --data ../shared/data/cifar10
 *
 * Figures, minutes and pictures: docs/results/image-family.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'image-family-hip',
  task: 'pretrain',
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true },
  model: {
    name: 'hip',
    variant: 'small',
    config: { numGroups: [1, 1, 1], zIndexDim: [64, 64, 64] },
    positionInitScale: 0.3,
  },
  masking: { scheme: 'group', ratio: 0.85, input: 'drop', perExample: true, reconstruct: 'masked' },
  optimizer: { learningRate: 2e-3, positionLearningRateScale: 15, warmupSteps: 100, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
