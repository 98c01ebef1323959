/**
 * BEiT on small photographs: the visual tokens of patches that rectangles hide (arXiv 2106.08254).
 *
 *   ./hip pretrain image-family/dvae --data ../shared/data/cifar10
 *   ./hip pretrain image-family/beit --model.tokenizer runs/image-family-dvae --data ../shared/data/cifar10
 *   ./hip finetune image-family/finetune --from runs/image-family-beit --data ../shared/data/cifar10
 *
 * Figures, minutes and pictures: docs/results/image-family.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'image-family-beit',
  task: 'pretrain',
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true },
  model: { name: 'beit', variant: 'tiny', config: { patch: [4, 4] } },
  masking: { scheme: 'blocks', ratio: 0.4 },
  optimizer: { learningRate: 1e-3, warmupSteps: 100, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 32, checkpointEvery: 0, logEvery: 20 },
});
