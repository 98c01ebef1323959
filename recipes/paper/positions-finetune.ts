/**
 * Classification for recipes/paper/positions.ts, from its checkpoint or from scratch.
 *
 *   ./hip finetune paper/positions-finetune --from runs/paper-positions
 *   ./hip finetune paper/positions-finetune --scratch --model.positions fourier
 *
 * Figures, minutes and logs: docs/results/positions.md
 */
import { fileURLToPath } from 'node:url';
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'paper-positions-finetune',
  task: 'finetune',
  data: {
    path: fileURLToPath(new URL('../../assets/fashion-mnist', import.meta.url)),
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
  optimizer: { learningRate: 1e-3, warmupSteps: 50, weightDecay: 0.05 },
  training: { steps: 500, batchSize: 16, checkpointEvery: 0, logEvery: 20 },
});
