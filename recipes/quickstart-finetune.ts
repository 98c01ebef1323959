/**
 * Quickstart, second part: classify Fashion-MNIST in 400 steps, once from the pre-trained encoder and once from
 * scratch, with the same steps, batches and learning rates.
 *
 *   ./hip finetune quickstart-finetune --from runs/quickstart/pretrain
 *   ./hip finetune quickstart-finetune --scratch
 *
 * About 12 s each on two x86-64 cores: 73.6 % pre-trained, 57.3 % from scratch.
 */
import { fileURLToPath } from 'node:url';
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'quickstart-finetune',
  task: 'finetune',
  data: {
    path: fileURLToPath(new URL('../assets/fashion-mnist', import.meta.url)),
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
  // What its scores were measured with.
  finetune: { head: 'mean' },
  optimizer: { learningRate: 1e-3, warmupSteps: 30, weightDecay: 0.05 },
  training: { steps: 400, batchSize: 16, checkpointEvery: 0, logEvery: 10 },
});
