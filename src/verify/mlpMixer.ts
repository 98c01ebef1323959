/** Golden cases of MLP-Mixer and its relatives, in timm's arguments and names. */
import type { Engine } from '../engine/index.js';
import { timmMixer } from '../models/layouts/index.js';
import { mlpMixer } from '../models/mlpMixer.js';
import { mixerOfTimm } from '../models/published/mlpMixer.js';
import { Scope } from '../nn/index.js';
import { crossEntropy } from '../objectives/index.js';
import type { Comparison } from './comparison.js';
import type { GoldenCase } from './goldenCase.js';
import { pixelsOf } from './images.js';
import { compareModel } from './referenceModel.js';
import { CaseInputs } from './runGraph.js';

/** Runs a case of MLP-Mixer. */
export async function verifyMlpMixer(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const config = mixerOfTimm(golden.config);
  const inputs = new CaseInputs(golden);
  const { pixels, size } = pixelsOf(inputs.of('images'));
  const scope = Scope.root();
  const { embedded, blocks, tokens, pooled, logits } = mlpMixer(scope, config, pixels, size);
  const labels = inputs.maybe('labels', 'i32');
  const loss = labels && logits && crossEntropy(logits, labels);
  const layout = timmMixer(config.patch, {
    affine: config.affine ? config.width : undefined,
    spatialGate: config.block === 'spatialGate',
  });
  await compareModel(golden, comparison, engine, { needs: scope.needs, layout }, inputs, {
    tokens,
    pooled,
    preLogits: pooled,
    ...(logits && { logits }),
    ...(loss && { loss }),
    ...Object.fromEntries([embedded, ...blocks].map((x, i) => [`hidden${i}`, x])),
  });
}
