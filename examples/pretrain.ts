/** Pre-trains a small HiP on any folder of images and looks at what it learned: `node dist/examples/pretrain.js FOLDER`. */
import { loadModel, positionLocality, positionsPicture, pretrain, resolveRecipe, writePng } from 'hiperceiver';

const [folder = 'assets/fashion-mnist', steps = '300'] = process.argv.slice(2);

const recipe = resolveRecipe({
  name: 'example',
  data: { path: folder, imageSize: 28, channels: 1, crop: 'none', flip: false },
  model: { name: 'hip', variant: 'tiny' },
  masking: { ratio: 0.85, input: 'drop', perExample: true },
  optimizer: { learningRate: 3e-3, positionLearningRateScale: 10 },
  training: { steps: Number(steps), batchSize: 16, out: `runs/example-${Date.now()}` },
});

const { checkpoint, loss, seconds } = await pretrain(recipe);
const model = await loadModel(checkpoint);
const { score, chance } = positionLocality(model);
await writePng('runs/example-positions.png', positionsPicture(model));
console.log(
  `loss ${loss.toFixed(3)} after ${seconds.toFixed(0)} s; locality ${score.toFixed(2)} (chance ${chance.toFixed(2)})`,
);
