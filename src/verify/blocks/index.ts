/** Building blocks: each kind of case is recognised by the tensors that it expects, never by its name. */
import type { Engine } from '../../engine/index.js';
import { HiperceiverError } from '../../errors/index.js';
import type { Comparison } from '../comparison.js';
import { type GoldenCase, namesUnder } from '../goldenCase.js';
import { arrayKinds } from './arrays.js';
import type { BlockKind } from './blockKind.js';
import { layerKinds } from './layers.js';
import { objectiveKinds } from './objectives.js';
import { trainingKinds } from './training.js';

const kinds: readonly BlockKind[] = [...layerKinds, ...objectiveKinds, ...trainingKinds, ...arrayKinds];

/** Runs every kind of block that the case's outputs tell of. */
export async function verifyBlocks(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const outputs = namesUnder(golden, 'output.');
  const present = kinds.filter(({ recognises }) => outputs.some((name) => recognises.test(name)));
  if (present.length === 0)
    throw new HiperceiverError(`no building block is known by its outputs ${outputs.join(', ')}`);
  for (const kind of present) await kind.run(golden, comparison, engine);
}
