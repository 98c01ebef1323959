/** Where a model looks: attention of its latents, drawn over an example. */
import { createLoader, type Dataset } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { indexDim } from '../models/index.js';
import { keyFrom } from '../random/index.js';
import { type InputAttention, inputAttention, type TrainedModel } from '../tasks/index.js';
import { readerOf } from '../training/index.js';
import { inPlace, picturesOf } from './signals/index.js';
import type { Figure } from './svg.js';

/** Whose attention is shown. */
export interface AttentionPictureOptions {
  /** Block of the encoder whose latents are asked; default: the last, HiP's processor. */
  block?: number;
  /** Latents that are shown beside the mean of all; default 10. */
  count?: number;
}

/**
 * Draws what the latents of a block take from the inputs of the first example of `examples`: all together, then the most
 * focused; one figure for each modality that the example has, by name.
 */
export async function attentionPictures(
  model: TrainedModel,
  examples: Dataset,
  engine: Engine,
  { block, count = 10 }: AttentionPictureOptions = {},
): Promise<{ figures: Record<string, Figure>; attention: InputAttention }> {
  const { description } = model;
  const reader = readerOf(description);
  const loader = createLoader(examples, { reader, batchSize: 1, shuffle: false, key: keyFrom(0) });
  const batch = await loader.next();
  await loader.close();
  ensure(batch, () => `${examples.path} has no readable example.`);
  const attention = await inputAttention(model, batch.signals, engine, block, batch.lengths);
  const { groups, latents, maps } = attention;
  const nameOf = (q: number) =>
    groups > 1 ? `group ${Math.floor(q / latents)}, latent ${q % latents}` : `latent ${q}`;
  const figures: Record<string, Figure> = {};
  for (const { modality, pictures } of picturesOf(reader, description.modalities)) {
    const elements = indexDim(modality);
    const length = batch.lengths?.[modality.name]?.[0] ?? elements;
    if (length === 0) continue;
    const own = maps[modality.name];
    const mean = new Float32Array(elements);
    for (let i = 0; i < own.length; i++) mean[i % elements] += own[i] / (groups * latents);
    const shown = mostFocused(own, elements, groups, latents, count);
    figures[modality.name] = pictures.attention(
      modality,
      { values: inPlace(reader, batch.signals[modality.name], modality.channels), length },
      {
        maps: [mean, ...shown.map((q) => own.subarray(q * elements, (q + 1) * elements))].map((map) =>
          inPlace(reader, map, 1),
        ),
        captions: [`mean of all ${groups * latents}`, ...shown.map(nameOf)],
      },
      {
        title: `What the latents of block ${attention.block} take from the ${pictures.element}s`,
        subtitle: 'Attention of all blocks up to it, multiplied; the mean, then the latents that are most focused',
      },
    );
  }
  return { figures, attention };
}

/** The latents of smallest entropy, taken from the groups in turn. `maps` `[G * N, I]`. */
function mostFocused(maps: Float32Array, elements: number, groups: number, latents: number, count: number): number[] {
  const entropy = Array.from({ length: groups * latents }, (_, q) => {
    const map = maps.subarray(q * elements, (q + 1) * elements);
    const total = map.reduce((a, b) => a + b, 0) || 1;
    return map.reduce((sum, share) => (share > 0 ? sum - (share / total) * Math.log(share / total) : sum), 0);
  });
  const ranked = Array.from({ length: groups }, (_, group) =>
    Array.from({ length: latents }, (_, n) => group * latents + n).sort((a, b) => entropy[a] - entropy[b]),
  );
  const inTurn = Array.from({ length: latents }, (_, rank) => ranked.map((group) => group[rank])).flat();
  return inTurn.slice(0, count).sort((a, b) => a - b);
}
