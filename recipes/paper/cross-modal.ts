/**
 * Talking faces and their sound in one model (arXiv 2202.10890, audio-visual inputs): masked pre-training in which half of
 * the examples lose one modality, so that either is learned from the other; then the sound is learned from pictures alone.
 * `npm run paper -- cross-modal` scores it.
 *
 *   ./hip prepare ../shared/data/grid runs/paper/shards/faces --split train,test --image-size 72 --frame-rate 12.5 --sample-rate 16000
 *   ./hip pretrain paper/cross-modal --data runs/paper/shards/faces
 *   ./hip pretrain paper/cross-modal --data runs/paper/shards/faces --model.from runs/paper-cross-modal --masking.ratio.audio 1 --masking.dropModality 0 --training.steps 8000 --out runs/sound-of-pictures
 *   ./hip reconstruct runs/sound-of-pictures --masking.ratio.audio 1 --masking.ratio.video 0
 *
 * Figures, minutes and commands: docs/results/cross-modal.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'paper-cross-modal',
  task: 'pretrain',
  // The mouth, where all clips have it.
  data: { imageSize: [6, 9], window: [0.64, 0.33, 0.24, 0.28], crop: 'none', flip: true },
  // A third of a second from anywhere: whether something is said, and how loud, must be seen.
  video: { frames: 4, rate: 12.5, start: 'random', sound: true },
  audio: { rate: 16000, melBins: 8 },
  model: {
    name: 'hip',
    variant: 'tiny',
    // A group for each of the two; all latents of the processor read both.
    config: { numGroups: [2, 1, 2], zIndexDim: [32, 32, 32] },
  },
  masking: {
    scheme: 'group',
    ratio: { video: 0.3, audio: 0.95 },
    input: 'drop',
    perExample: true,
    reconstruct: 'masked',
    dropModality: 0.5,
  },
  // Sound is loud noise around what a mouth tells: at larger rates that is found only when the rate has fallen to this one.
  optimizer: { learningRate: 5e-4, positionLearningRateScale: 15, warmupSteps: 50, weightDecay: 0.05 },
  training: { steps: 2000, batchSize: 8, checkpointEvery: 0, logEvery: 100 },
});
