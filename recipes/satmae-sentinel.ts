/**
 * SatMAE on Sentinel-2: ten bands in three groups by resolution and wavelength, each masked by itself (arXiv 2207.08051). The
 * two bands of 60 m are read by none and stay as they are.
 *
 *   ./hip pretrain satmae-sentinel --data ../shared/data/satellite/sentinel2_para
 *   ./hip reconstruct runs/satmae-sentinel
 *
 * Figures, minutes and pictures: docs/results/README.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'satmae-sentinel',
  task: 'pretrain',
  data: { imageSize: 32, crop: 'none', flip: true },
  model: {
    name: 'satmae',
    variant: 'bands-tiny',
    config: {
      patch: [4, 4],
      parts: {
        kind: 'groups',
        groups: [
          [1, 2, 3, 7],
          [4, 5, 6, 8],
          [10, 11],
        ],
      },
    },
  },
  masking: { scheme: 'uniform', ratio: 0.75, normalizeTargets: false },
  optimizer: { learningRate: 1e-3, warmupSteps: 50, weightDecay: 0.05 },
  training: { steps: 500, batchSize: 16, checkpointEvery: 0, logEvery: 20 },
});
