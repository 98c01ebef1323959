/**
 * Talking faces and their sound in one model (arXiv 2202.10890, audio-visual inputs): masked pre-training in which half of
 * the examples lose one modality, so that either is learned from the other. `npm run paper -- cross-modal` scores it.
 *
 *   ./hip prepare ../shared/data/grid runs/paper/shards/faces --split train,test --image-size 72 --frame-rate 12.5 --sample-rate 16000
 *   ./hip pretrain paper/cross-modal --data runs/paper/shards/faces
 *   ./hip reconstruct runs/paper-cross-modal --masking.ratio.audio 1 --masking.ratio.video 0
 *
 * Figures, minutes and commands: docs/results/cross-modal.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'paper-cross-modal',
  task: 'pretrain',
  // The mouth, where all clips have it.
  data: { imageSize: [12, 18], window: [0.64, 0.33, 0.24, 0.28], crop: 'none', flip: true },
  // Two seconds from anywhere: what is said when must be seen.
  video: { frames: 25, rate: 12.5, start: 'random', sound: true },
  audio: { rate: 16000, melBins: 8 },
  model: { name: 'hip', variant: 'tiny', positions: 'fourier' },
  masking: {
    scheme: 'group',
    ratio: { video: 0.2, audio: 0.95 },
    input: 'drop',
    perExample: true,
    reconstruct: 'masked',
    dropModality: 0.5,
  },
  optimizer: { learningRate: 2e-3, warmupSteps: 50, weightDecay: 0.05 },
  training: { steps: 1000, batchSize: 8, checkpointEvery: 0, logEvery: 20 },
});
