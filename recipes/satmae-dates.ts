/**
 * SatMAE on one place at five dates: Sentinel-2 tiles of 13 bands, patches of all dates removed by themselves, and told when
 * each was taken (arXiv 2207.08051, section 3.1). Its timestamps know year, month and hour: two dates of one month are the same.
 *
 *   ./hip pretrain satmae-dates --data ../shared/data/satellite/sentinel2_slovenia
 *   ./hip reconstruct runs/satmae-dates
 *
 * Figures, minutes and pictures: docs/results/README.md
 */
import { defineRecipe } from 'hiperceiver';

export default defineRecipe({
  name: 'satmae-dates',
  task: 'pretrain',
  data: { imageSize: 16, crop: 'none', flip: true },
  bands: { dates: ['2015-08-20', '2015-07-31', '2015-09-09', '2015-08-30', '2015-07-11'] },
  model: { name: 'satmae', variant: 'times-tiny', config: { patch: [4, 4] } },
  masking: { scheme: 'uniform', ratio: 0.75, normalizeTargets: false },
  optimizer: { learningRate: 1e-3, warmupSteps: 50, weightDecay: 0.05 },
  training: { steps: 500, batchSize: 16, checkpointEvery: 0, logEvery: 20 },
});
