/**
 * One unchanged model for any signal (arXiv 2202.10890): a small HiP learns what the data are labelled with, classes, tags,
 * or a class for every input. `npm run paper -- one-model` runs every row of the table with it.
 *
 *   ./hip finetune paper/one-model-finetune --scratch --data ../shared/data/fsdd --audio.samples 5120 --audio.patch 16
 *   ./hip finetune paper/one-model-finetune --scratch --data ../shared/data/modelnet10
 *   ./hip finetune paper/one-model-finetune --from runs/paper-one-model --data ../shared/data/modelnet10
 *
 * Figures, minutes and commands: docs/results/one-model.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'paper-one-model-finetune',
  task: 'finetune',
  data: { imageSize: 32, channels: 3, crop: 'none', flip: true },
  audio: { shift: 0.1, gain: 6 },
  points: { scale: [0.8, 1.25], jitter: 0.01 },
  // From scratch a few hundred updates do not order learned positions; Fourier features say where things lie from the start.
  model: { name: 'hip', variant: 'tiny', positions: 'fourier', positionInitScale: 0.3 },
  finetune: { head: 'latents', labelSmoothing: 0.1 },
  optimizer: { learningRate: 2e-3, warmupSteps: 30, weightDecay: 0.05 },
  training: { steps: 300, batchSize: 16, checkpointEvery: 0, logEvery: 20 },
});
