/**
 * Classes of small photographs, from any of the pre-trained models of this folder, or from scratch by a model that learns from
 * labels alone: the row's own head, equal augmentation.
 *
 *   ./hip finetune image-family/finetune --from runs/image-family-mae --data ../shared/data/cifar10
 *   ./hip finetune image-family/finetune --scratch --model.name vit --model.variant tiny --data ../shared/data/cifar10
 *
 * Figures, minutes and pictures: docs/results/image-family.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'image-family-finetune',
  task: 'finetune',
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true },
  model: { name: 'vit', variant: 'tiny' },
  finetune: { head: 'own' },
  optimizer: { learningRate: 1e-3, warmupSteps: 100, weightDecay: 0.05 },
  training: { steps: 500, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
