/** From the processor's latents to one vector of logits for each example. */
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import { crossAttention } from '../models/perceiverBlock.js';
import { fanIn, linear, norm, type Scope } from '../nn/index.js';
import type { Head } from '../training/description.js';

/** Deviation of the learned query at the beginning: that of Perceiver IO's trained positions. */
const QUERY_DEVIATION = 0.02;

/** Heads on the encoder's last latents, which every system has. */
export type ReadHead = Exclude<Head, 'own'>;

/** What each head makes of latents `[B, 1, N, D]`: the features `[B, F]` under its linear. */
const readers: Record<ReadHead, (scope: Scope, latents: Tensor) => Tensor> = {
  mean: (_, latents) => latents.mean([1, 2]),

  latents: (scope, latents) => norm(scope.child('layer_norm'), latents).reshape([latents.shape[0], -1]),

  // The classification decoder of Perceiver IO (arXiv 2107.14795, section 3.2): one learned query, added to what it reads.
  attention(scope, latents) {
    const [batch, , , channels] = latents.shape;
    const query = scope.child('query').parameter('pos_embs', [1, channels], fanIn(1, QUERY_DEVIATION));
    const read = crossAttention(scope.child('cross_attention'), query.reshape([1, 1, 1, channels]), latents, {
      heads: 1,
      wideningFactor: 1,
      queryKeyChannels: channels,
      valueChannels: channels,
      residual: true,
    });
    return read.reshape([batch, channels]);
  },
};

/**
 * Logits `[B, classes]` from the processor's latents `[B, 1, N, D]`.
 * @param scope of the classifier alone
 */
export function readLatents(scope: Scope, head: ReadHead, latents: Tensor, classes: number): Tensor {
  return linear(scope.child('linear'), readers[head](scope, latents), classes);
}

/** Throws where a head cannot serve a model whose processor has fewer latents while training. */
export function checkHead(head: Head, config: Record<string, unknown>): void {
  const varies = ['processorIndexDimTrain', 'processorIndexDimEval', 'zIndexDimTrain', 'zIndexDimEval'].some(
    (key) => config[key],
  );
  ensure(
    head !== 'latents' || !varies,
    () =>
      'The head "latents" needs as many latents in training as afterwards, which this model has not: choose --finetune.head attention.',
  );
}
