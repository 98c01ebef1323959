/** Where a model looks: attention of its latents, drawn over an image. */
import { createLoader, type Dataset } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { keyFrom } from '../random/index.js';
import { type InputAttention, inputAttention, type TrainedModel } from '../tasks/index.js';
import { imageInput, normalizationOf, readerOf } from '../training/index.js';
import { attentionFigure } from './attention.js';
import { imageFromNormalized } from './picture.js';
import type { Figure } from './svg.js';

/** Whose attention is shown. */
export interface AttentionPictureOptions {
  /** Block of the encoder whose latents are asked; default: the last, HiP's processor. */
  block?: number;
  /** Latents that are shown beside the mean of all; default 10. */
  count?: number;
}

/** Draws what the latents of a block take from the pixels of the first image of `images`: all together, then the most focused. */
export async function attentionPicture(
  model: TrainedModel,
  images: Dataset,
  engine: Engine,
  { block, count = 10 }: AttentionPictureOptions = {},
): Promise<{ figure: Figure; attention: InputAttention }> {
  const { name, height, width, channels } = imageInput(model.description);
  const loader = createLoader(images, {
    reader: readerOf(model.description),
    batchSize: 1,
    shuffle: false,
    key: keyFrom(0),
  });
  const batch = await loader.next();
  await loader.close();
  ensure(batch, () => `${images.path} has no readable image.`);
  const attention = await inputAttention(model, batch.signals, engine, block);
  const { groups, latents, maps } = attention;
  const pixels = height * width;
  const shown = mostFocused(maps[name], pixels, groups, latents, count);
  const drawn = new Float32Array((shown.length + 1) * pixels);
  for (let i = 0; i < maps[name].length; i++) drawn[i % pixels] += maps[name][i] / (groups * latents);
  shown.forEach((q, i) => drawn.set(maps[name].subarray(q * pixels, (q + 1) * pixels), (i + 1) * pixels));
  const nameOf = (q: number) =>
    groups > 1 ? `group ${Math.floor(q / latents)}, latent ${q % latents}` : `latent ${q}`;
  const figure = attentionFigure({
    attention: drawn,
    shape: [height, width],
    image: imageFromNormalized(
      batch.signals[name].subarray(0, pixels * channels),
      [height, width, channels],
      normalizationOf(model.description, name),
    ),
    captions: [`mean of all ${groups * latents}`, ...shown.map(nameOf)],
    title: `What the latents of block ${attention.block} take from the pixels`,
    subtitle: 'Attention of all blocks up to it, multiplied; the mean, then the latents that are most focused',
  });
  return { figure, attention };
}

/** The latents of smallest entropy, taken from the groups in turn. `maps` `[G * N, I]`. */
function mostFocused(maps: Float32Array, pixels: number, groups: number, latents: number, count: number): number[] {
  const entropy = Array.from({ length: groups * latents }, (_, q) => {
    const map = maps.subarray(q * pixels, (q + 1) * pixels);
    const total = map.reduce((a, b) => a + b, 0) || 1;
    return map.reduce((sum, share) => (share > 0 ? sum - (share / total) * Math.log(share / total) : sum), 0);
  });
  const ranked = Array.from({ length: groups }, (_, group) =>
    Array.from({ length: latents }, (_, n) => group * latents + n).sort((a, b) => entropy[a] - entropy[b]),
  );
  const inTurn = Array.from({ length: latents }, (_, rank) => ranked.map((group) => group[rank])).flat();
  return inTurn.slice(0, count).sort((a, b) => a - b);
}
