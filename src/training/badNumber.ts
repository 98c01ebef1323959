/** The end of a run whose loss or gradient is no number any more. */
import { join } from 'node:path';
import { type StoredTensor, writeFileAtomic, writeSafetensors } from '../checkpoint/index.js';
import type { Batch } from '../data/index.js';
import { HiperceiverError } from '../errors/index.js';
import type { Learner } from './learner.js';
import type { TrainingRun } from './train.js';

/**
 * Saves the batch, looks for the first tensor that went bad, and says so.
 * @param what what became no number: completes "The … at step 7"
 * @throws HiperceiverError always
 */
export async function stopAtBadNumber(
  { folder, recipe }: Pick<TrainingRun, 'folder' | 'recipe'>,
  learner: Learner,
  batch: Batch,
  step: number,
  what: string,
): Promise<never> {
  const file = join(folder, `bad-batch-step-${step}.safetensors`);
  await writeSafetensors(
    file,
    new Map(
      Object.entries(batch.signals).map(([name, data]) => [
        name,
        { dtype: 'F32', shape: [batch.size, data.length / batch.size], data } as StoredTensor,
      ]),
    ),
  );
  await writeFileAtomic(join(folder, `bad-batch-step-${step}.json`), JSON.stringify({ ids: [...batch.ids] }));
  const parameters = await learner.parameters();
  const inGradient = await learner.firstBadGradient();
  const bad =
    firstBad(Object.entries(batch.signals), 'input') ??
    firstBad(parameters, 'parameter') ??
    (inGradient && `the gradient of "${inGradient}"`);
  const first = bad ? `; the first bad tensor is ${bad}` : '';
  const orFloats = recipe.training.precision === 'f16' ? ', or use --precision f32' : '';
  throw new HiperceiverError(
    `The ${what} at step ${step}${first}: the batch is in ${file}; lower --optimizer.learningRate (now ${recipe.optimizer.learningRate}) or clip more (--optimizer.clipNorm)${orFloats}.`,
  );
}

function firstBad(tensors: Iterable<[string, Float32Array]>, kind: string): string | undefined {
  for (const [name, values] of tensors) if (!values.every(Number.isFinite)) return `${kind} "${name}"`;
  return undefined;
}
