/**
 * One unchanged model for any signal (arXiv 2202.10890): masked pre-training of a small HiP on whatever `--data` holds.
 * `npm run paper -- one-model` runs every row of the table with it and one-model-finetune.
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
  points: { rotate: 'z', scale: [0.8, 1.25], jitter: 0.01 },
  model: { name: 'hip', variant: 'small', positionInitScale: 0.3 },
  masking: { scheme: 'group', ratio: 0.85, input: 'drop', perExample: true, reconstruct: 'masked' },
  optimizer: { learningRate: 2e-3, positionLearningRateScale: 10, warmupSteps: 50, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 16, checkpointEvery: 0, logEvery: 20 },
});
