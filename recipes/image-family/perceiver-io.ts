/**
 * Perceiver IO beside the image family: all pixels in one group, masked as HiP's are (arXiv 2107.14795).
 *
 *   ./hip pretrain image-family/perceiver-io --data ../shared/data/cifar10
 *   ./hip finetune image-family/finetune --from runs/image-family-perceiver-io --data ../shared/data/cifar10
 *
 * Figures, minutes and pictures: docs/results/image-family.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'image-family-perceiver-io',
  task: 'pretrain',
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true },
  model: { name: 'perceiver_io', variant: 'io_mini', positionInitScale: 0.3 },
  masking: { scheme: 'group', ratio: 0.85, input: 'drop', perExample: true, reconstruct: 'masked' },
  optimizer: { learningRate: 2e-3, positionLearningRateScale: 15, warmupSteps: 100, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
