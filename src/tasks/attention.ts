/**
 * What a model's latents look at, down to single inputs. A block's latents read its inputs by cross-attention and mix by
 * self-attention; its inputs are the regrouped latents of the block before. Multiplying the maps of all blocks, from a
 * block back to the first, gives the share that each of its latents takes from each input.
 */
import type { Batch } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import type { Tensor } from '../graph/index.js';
import type { Grouping, Modality, RegroupType, TokenAttention } from '../models/index.js';
import { systemOf } from '../training/index.js';
import { encoded } from './classification.js';
import type { TrainedModel } from './loadModel.js';
import { Runner } from './runner.js';
import { overElements, rollout } from './tokenAttention.js';

/** Attention weights inside one block, for one example. */
export interface BlockAttention {
  groups: number;
  /** N: latents of a group. */
  latents: number;
  /** M: rows of a group that the latents read. */
  rows: number;
  /** `[G, heads, N, M]` */
  cross: Float32Array;
  /** One `[G, heads, N, N]` for each self-attention layer, first to last. */
  self: Float32Array[];
}

/** What the latents of one block take from the inputs of one example. */
export interface InputAttention {
  /** The block, counted from 0, and its groups and latents per group. */
  block: number;
  groups: number;
  latents: number;
  /** By modality `[G * N, I]`: the share that each latent takes from each input. */
  maps: Record<string, Float32Array>;
  /** `[G * N]`: the share that falls on padding and on label inputs. With it each latent's shares sum to 1. */
  elsewhere: Float64Array;
}

/** Of a self-attention layer's output, how much comes from the latent itself by the residual connection (Abnar & Zuidema 2020). */
const RESIDUAL = 0.5;

/**
 * Attention of a block's latents to the inputs of one example.
 * @param signals by modality `[I, C]`, normalised as the model expects
 * @param block default: the last block of the encoder (HiP's processor)
 * @param lengths elements of the example that are real, by modality `[1]`; all where absent
 * @throws HiperceiverError where there is no such block in the encoder
 */
export async function inputAttention(
  model: TrainedModel,
  signals: Record<string, Float32Array>,
  engine: Engine,
  block?: number,
  lengths?: Batch['lengths'],
): Promise<InputAttention> {
  const { description } = model;
  const { config, modalities } = description;
  const { attention: ofTokens, masksElements, name } = systemOf(description);
  ensure(ofTokens || masksElements, () => `${name} has no attention: see what it finds alike with hip embed.`);
  const trace = ofTokens?.(config, modalities);
  const wanted = trace ? new Set(trace.steps.flatMap((step) => (step.kind === 'merge' ? [] : [step.tap]))) : undefined;
  const shapes: Record<string, readonly number[]> = {};
  const runner = await Runner.create(engine, model, 1, (scope, inputs) => {
    encoded(description, scope, inputs);
    const weights = [...scope.needs.taps].filter(([tap]) => (wanted ? wanted.has(tap) : blockAndLayer(tap)));
    for (const [tap, { shape }] of weights) shapes[tap] = shape;
    return Object.fromEntries(weights) as Record<string, Tensor>;
  });
  try {
    const results = await runner.run({ signals, lengths, size: 1 });
    const count = trace ? 1 + Math.max(...trace.steps.map((step) => step.block)) : collect(results, shapes).length;
    const last = block ?? count - 1;
    ensure(
      Number.isInteger(last) && last >= 0 && last < count,
      () => `The encoder of ${model.path} has the blocks 0 to ${count - 1}, and none numbered ${block}.`,
    );
    if (trace) return tokensAttention(trace, results, shapes, last, modalities);
    const blocks = collect(results, shapes);
    const regroupType = (config.regroupType as RegroupType | undefined) ?? 'reshape';
    const shares = composeAttention(blocks.slice(0, last + 1), regroupType);
    const { groups, latents } = blocks[last];
    const grouping = systemOf(description).grouping(config, modalities);
    return { block: last, groups, latents, ...byModality(shares, groups * latents, grouping) };
  } finally {
    await runner.dispose();
  }
}

/** The same for models of tokens, whose only group they are; the class token comes first. */
function tokensAttention(
  trace: TokenAttention,
  results: Record<string, Float32Array>,
  shapes: Record<string, readonly number[]>,
  block: number,
  modalities: readonly Modality[],
): InputAttention {
  const weights = Object.fromEntries(
    Object.entries(results).map(([tap, values]) => [tap, { values, shape: shapes[tap] }]),
  );
  const shares = rollout(trace, weights, block);
  const { name, indexShape } = modalities.find((m) => m.indexShape.length === trace.grid.length)!;
  const { map, elsewhere } = overElements(shares, trace, indexShape);
  return { block, groups: 1, latents: shares.queries, maps: { [name]: map }, elsewhere };
}

/**
 * Shares of the last block's latents in the first block's rows, `[G_last * N_last, G_0 * M_0]`. Rows sum to 1, or to less
 * where a block reads rows that no earlier block made (labels).
 */
export function composeAttention(blocks: readonly BlockAttention[], regroupType: RegroupType): Float64Array {
  const last = blocks[blocks.length - 1];
  const queries = last.groups * last.latents;
  let shares: Float64Array = new Float64Array(queries * queries);
  for (let q = 0; q < queries; q++) shares[q * queries + q] = 1;
  for (let i = blocks.length - 1; i >= 0; i--) {
    shares = throughBlock(shares, queries, blocks[i]);
    if (i > 0) shares = throughRegrouping(shares, queries, blocks[i], blocks[i - 1], regroupType);
  }
  return shares;
}

/** `[Q, G * N]` shares of a block's latents → `[Q, G * M]` shares of its rows. */
function throughBlock(
  shares: Float64Array,
  queries: number,
  { groups, latents, rows, cross, self }: BlockAttention,
): Float64Array {
  let own = shares;
  for (const layer of [...self].reverse()) {
    const mixed = product(own, queries, meanOverHeads(layer, groups, latents * latents), groups, latents, latents);
    own = mixed.map((share, i) => (1 - RESIDUAL) * share + RESIDUAL * own[i]);
  }
  return product(own, queries, meanOverHeads(cross, groups, latents * rows), groups, latents, rows);
}

/** `[Q, G * N]` times one `[N, M]` for each group → `[Q, G * M]`. */
function product(
  left: Float64Array,
  queries: number,
  right: Float64Array,
  groups: number,
  inner: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(queries * groups * columns);
  for (let q = 0; q < queries; q++) {
    for (let group = 0; group < groups; group++) {
      const to = (q * groups + group) * columns;
      for (let n = 0; n < inner; n++) {
        const share = left[(q * groups + group) * inner + n];
        if (share === 0) continue;
        const from = (group * inner + n) * columns;
        for (let m = 0; m < columns; m++) out[to + m] += share * right[from + m];
      }
    }
  }
  return out;
}

/** `[G, heads, n]` → `[G, n]` */
function meanOverHeads(weights: Float32Array, groups: number, length: number): Float64Array {
  const heads = weights.length / (groups * length);
  const mean = new Float64Array(groups * length);
  for (let i = 0; i < weights.length; i++)
    mean[Math.floor(i / (heads * length)) * length + (i % length)] += weights[i] / heads;
  return mean;
}

/** `[Q, G * M]` shares of a block's rows → `[Q, G' * N']` shares of the previous block's latents; rows beyond these are labels. */
function throughRegrouping(
  shares: Float64Array,
  queries: number,
  { groups, rows }: BlockAttention,
  previous: BlockAttention,
  type: RegroupType,
): Float64Array {
  const before = previous.groups * previous.latents;
  const fromBefore = before / groups;
  const out = new Float64Array(queries * before);
  for (let q = 0; q < queries; q++) {
    for (let p = 0; p < before; p++) {
      const row = Math.floor(p / fromBefore) * rows + (p % fromBefore);
      const latent =
        type === 'reshape' ? p : (p % previous.groups) * previous.latents + Math.floor(p / previous.groups);
      out[q * before + latent] = shares[q * groups * rows + row];
    }
  }
  return out;
}

/** Shares of the first block's rows by the elements that they hold. */
function byModality(
  shares: Float64Array,
  queries: number,
  { modalities, indexDimPerGroup }: Grouping,
): Pick<InputAttention, 'maps' | 'elsewhere'> {
  const total = shares.length / queries;
  // Perceiver IO puts modalities one behind the other into its one group; HiP gives each its groups of equal length.
  const concatenated = modalities.reduce((sum, m) => sum + m.indexDim, 0) === total;
  const maps: Record<string, Float32Array> = {};
  const elsewhere = new Float64Array(queries).fill(1);
  let first = 0;
  for (const { name, indexDim, groups, groupPadding } of modalities) {
    const own = indexDimPerGroup - groupPadding;
    const map = new Float32Array(queries * indexDim);
    for (let q = 0; q < queries; q++) {
      for (let e = 0; e < indexDim; e++) {
        const row = first + (concatenated ? e : Math.floor(e / own) * indexDimPerGroup + (e % own));
        map[q * indexDim + e] = shares[q * total + row];
        elsewhere[q] -= shares[q * total + row];
      }
    }
    maps[name] = map;
    first += concatenated ? indexDim : groups * indexDimPerGroup;
  }
  return { maps, elsewhere };
}

/** Which block and layer a tap's weights belong to; -1 is the cross-attention. */
function blockAndLayer(tap: string): { block: number; layer: number } | undefined {
  const match =
    /(?:^|\/)(?:perceiver_)?block_(\d+)\/~\/(?:hi_p_cross_attention|self_attend_id_(\d+))\/attention\/weights$/.exec(
      tap,
    );
  return match ? { block: Number(match[1]), layer: match[2] === undefined ? -1 : Number(match[2]) } : undefined;
}

function collect(weights: Record<string, Float32Array>, shapes: Record<string, readonly number[]>): BlockAttention[] {
  const blocks: BlockAttention[] = [];
  for (const [name, values] of Object.entries(weights)) {
    const { block, layer } = blockAndLayer(name)!;
    const [, groups, , latents, rows] = shapes[name];
    blocks[block] ??= { groups, latents, rows: 0, cross: new Float32Array(0), self: [] };
    if (layer >= 0) blocks[block].self[layer] = values;
    else Object.assign(blocks[block], { rows, cross: values });
  }
  return blocks;
}
