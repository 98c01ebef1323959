/** What a pre-trained model makes of masked inputs. */
import type { Batch } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { Graph } from '../graph/index.js';
import { PARAMETER, Scope } from '../nn/index.js';
import type { MaskPlan, PretrainingOptions } from '../objectives/index.js';
import { fold, type Key } from '../random/index.js';
import { modelInputs, validityFeeds } from '../training/description.js';
import { buildPretraining } from '../training/pretraining.js';
import { checkParameters, type TrainedModel } from './loadModel.js';

/** What came out of one modality, beside what was hidden of it. */
export interface ModalityReconstruction {
  /** Prediction for every element, `[B, I, C]`, in the space of the inputs. */
  reconstruction: Float32Array;
  /** What it should be, drawn as a signal, where that is not the input itself. */
  wanted?: Float32Array;
  /** 1 = masked, `[B or 1, I]`. */
  mask: Float32Array;
  /** Mean squared error over masked elements that are real; 0 where there are none. */
  loss: number;
}

/** What came out of a batch. */
export interface Reconstruction {
  /** Mean over the modalities that the batch has. */
  loss: number;
  modalities: Record<string, ModalityReconstruction>;
}

/**
 * Masks the signals of a batch by a key and lets the model fill them in. What the batch says is padding, or missing, is
 * neither seen nor counted; a modality of ratio 1 is made from the others alone.
 * @param batch normalised signals by modality, `[B, I, C]`
 * @throws HiperceiverError where the masking makes no sense for the model's modalities
 */
export async function reconstruct(
  model: TrainedModel,
  { signals, lengths, size }: Pick<Batch, 'signals' | 'lengths' | 'size'>,
  masking: PretrainingOptions,
  key: Key,
  engine: Engine,
): Promise<Reconstruction> {
  const { description } = model;
  const scope = Scope.root();
  const inputs = modelInputs(description, size);
  const { loss, answers, feeds } = buildPretraining(description, { ...masking, reconstruct: 'all' }, scope, inputs);
  const answer = answers();
  const names = Object.keys(answer);
  const drawn = names.filter((name) => answer[name].wanted);
  const graph = Graph.of({
    loss,
    ...Object.fromEntries(names.map((name) => [`loss/${name}`, answer[name].loss])),
    ...Object.fromEntries(names.map((name) => [`filled/${name}`, answer[name].filled])),
    ...Object.fromEntries(drawn.map((name) => [`wanted/${name}`, answer[name].wanted!])),
  });
  checkParameters(scope.needs, model.parameters, model.path);
  const program = await engine.compile(graph);
  const maskKey = fold(key, 'masks');
  const told = validityFeeds(description, size, lengths);
  try {
    const all = {
      ...signals,
      ...told.feeds,
      ...feeds({ key: maskKey, progress: 1, valid: told.valid }),
      ...Object.fromEntries([...scope.needs.parameters.keys()].map((p) => [PARAMETER + p, model.parameters.get(p)!])),
    };
    const result = await program.run(Object.fromEntries([...graph.inputs.keys()].map((name) => [name, all[name]])));
    const made = (name: string): ModalityReconstruction => ({
      reconstruction: result[`filled/${name}`] as Float32Array,
      mask: answer[name].hidden(maskKey),
      wanted: result[`wanted/${name}`] as Float32Array | undefined,
      loss: result[`loss/${name}`][0],
    });
    return { loss: result.loss[0], modalities: Object.fromEntries(names.map((name) => [name, made(name)])) };
  } finally {
    await program.dispose();
  }
}

/** Added to a variance before its root is taken, as in training. */
const VARIANCE_EPSILON = 1e-6;

/**
 * Undoes the normalisation of targets: each group back to the mean and deviation of what is real of its own inputs.
 * @param lengths real elements of each example; all where absent
 */
export function restoreTargets(
  predicted: Float32Array,
  inputs: Float32Array,
  { part: { indexDim, groups }, rows, batchSize }: MaskPlan,
  lengths?: ArrayLike<number>,
): Float32Array {
  const out = new Float32Array(predicted.length);
  const channels = inputs.length / (batchSize * indexDim);
  for (let example = 0; example < batchSize; example++) {
    const start = example * indexDim;
    for (let group = 0; group < groups; group++) {
      const from = start + group * rows;
      const to = Math.min(start + indexDim, from + rows);
      const real = Math.min(to, start + (lengths?.[example] ?? indexDim));
      const own = inputs.subarray(from * channels, Math.max(from, real) * channels);
      const count = Math.max(1, own.length);
      const mean = own.reduce((a, b) => a + b, 0) / count;
      const deviation = Math.sqrt(own.reduce((a, b) => a + (b - mean) ** 2, 0) / count + VARIANCE_EPSILON);
      for (let i = from * channels; i < to * channels; i++) out[i] = predicted[i] * deviation + mean;
    }
  }
  return out;
}
