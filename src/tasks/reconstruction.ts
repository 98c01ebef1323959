/** What a pre-trained model makes of masked inputs. */
import type { Engine } from '../engine/index.js';
import { Graph } from '../graph/index.js';
import { PARAMETER, Scope } from '../nn/index.js';
import { type AutoencodingOptions, drawMask, elementMask, maskedAutoencoding, maskFeeds } from '../objectives/index.js';
import { fold, type Key } from '../random/index.js';
import { imageInput, modelInputs, systemOf } from '../training/description.js';
import { checkParameters, type TrainedModel } from './loadModel.js';

/** What came out, beside what was hidden. */
export interface Reconstruction {
  /** Prediction for every element, `[B, I, C]`, in the space of the inputs. */
  reconstruction: Float32Array;
  /** 1 = masked, `[B or 1, I]`. */
  mask: Float32Array;
  /** Mean squared error over masked elements. */
  loss: number;
}

/** Masks images `[B, I, C]` (normalised) by a key and lets the model fill them in. */
export async function reconstruct(
  model: TrainedModel,
  images: Float32Array,
  batchSize: number,
  masking: AutoencodingOptions,
  key: Key,
  engine: Engine,
): Promise<Reconstruction> {
  const { description } = model;
  const { name } = imageInput(description);
  const scope = Scope.root();
  const built = maskedAutoencoding(
    scope,
    systemOf(description),
    description.config,
    description.modalities,
    modelInputs(description, batchSize),
    { ...masking, reconstruct: 'all' },
  );
  checkParameters(scope.needs, model.parameters, model.path);
  const program = await engine.compile(
    Graph.of({ loss: built.loss, reconstruction: built.outputs.reconstruction[name] }),
  );
  const plan = built.plans.find((p) => p.part.name === name)!;
  const maskKey = fold(key, 'masks');
  const parameters = Object.fromEntries(
    [...scope.needs.parameters.keys()].map((p) => [PARAMETER + p, model.parameters.get(p)!]),
  );
  const result = await program.run({
    [name]: images,
    ...maskFeeds(built.plans, masking, maskKey),
    ...parameters,
  });
  await program.dispose();
  const reconstruction = result.reconstruction as Float32Array;
  return {
    reconstruction: masking.normalizeTargets
      ? restored(reconstruction, images, plan, imageInput(description).channels)
      : reconstruction,
    mask: elementMask(plan, drawMask(plan, maskKey)),
    loss: result.loss[0],
  };
}

/** Undoes the normalisation of targets: each group back to the mean and deviation of its own inputs. */
function restored(
  predicted: Float32Array,
  images: Float32Array,
  { part, rows }: { part: { indexDim: number; groups: number }; rows: number },
  channels: number,
): Float32Array {
  const out = new Float32Array(predicted.length);
  const perImage = part.indexDim * channels;
  for (let start = 0; start < images.length; start += perImage) {
    for (let group = 0; group < part.groups; group++) {
      const from = start + group * rows * channels;
      const to = Math.min(start + perImage, from + rows * channels);
      const own = images.subarray(from, to);
      const mean = own.reduce((a, b) => a + b, 0) / own.length;
      const deviation = Math.sqrt(own.reduce((a, b) => a + (b - mean) ** 2, 0) / own.length + 1e-6);
      for (let i = from; i < to; i++) out[i] = predicted[i] * deviation + mean;
    }
  }
  return out;
}
