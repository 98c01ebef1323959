/**
 * Talking faces and their sound in one model (arXiv 2202.10890, audio-visual inputs): masked pre-training in which half of
 * the examples lose one modality, so that either is learned from the other. `npm run paper -- cross-modal` scores it.
 *
 *   ./hip pretrain paper/cross-modal --data ../shared/data/grid
 *   ./hip reconstruct runs/paper-cross-modal --masking.ratio.audio 1 --masking.ratio.video 0
 *
 * Figures, minutes and commands: docs/results/cross-modal.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'paper-cross-modal',
  task: 'pretrain',
  data: { imageSize: [36, 48], crop: 'none', flip: true },
  // One second from anywhere: what is said when must be seen.
  video: { frames: 8, rate: 8, start: 'random', sound: true },
  audio: { rate: 16000, melBins: 16 },
  model: { name: 'hip', variant: 'small', positionInitScale: 0.3 },
  masking: {
    scheme: 'group',
    ratio: { video: 0.8, audio: 0.8 },
    input: 'drop',
    perExample: true,
    reconstruct: 'masked',
    dropModality: 0.5,
  },
  optimizer: { learningRate: 2e-3, positionLearningRateScale: 10, warmupSteps: 50, weightDecay: 0.05 },
  training: { steps: 2500, batchSize: 8, checkpointEvery: 0, logEvery: 20 },
});
