/**
 * One unchanged model for any signal (arXiv 2202.10890): masked pre-training of a small HiP on whatever `--data` holds.
 * recipes/paper/one-model-finetune.ts goes on from it.
 *
 *   ./hip pretrain paper/one-model --data ../shared/data/fsdd --audio.samples 5120
 *   ./hip pretrain paper/one-model --data ../shared/data/modelnet10
 *
 * Figures, minutes and commands: docs/results/one-model.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'paper-one-model',
  task: 'pretrain',
  data: { imageSize: 32, channels: 3, crop: 'none' },
  audio: { shift: 0.1, gain: 6 },
  points: { scale: [0.8, 1.25], jitter: 0.01 },
  model: { name: 'hip', variant: 'tiny', positionInitScale: 0.3 },
  masking: { scheme: 'group', ratio: 0.85, input: 'drop', perExample: true, reconstruct: 'masked' },
  optimizer: { learningRate: 2e-3, positionLearningRateScale: 10, warmupSteps: 50, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 16, checkpointEvery: 0, logEvery: 20 },
});
