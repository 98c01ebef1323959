/**
 * SatMAE (arXiv 2207.08051): masked auto-encoders of satellite images that come in parts, each with the same grid of patches.
 * Parts are images of one place at several times, or groups of spectral bands of one image. A token's position is that on the
 * grid beside that of its part: when the image was taken, or which group it is.
 */
import { ensure } from '../errors/index.js';
import { concat, constant, type Tensor, zeros as zeroTensor } from '../graph/index.js';
import {
  gaussian,
  linear,
  norm,
  patchEmbedding,
  patchGrid,
  type Scope,
  type Size2d,
  sincos1d,
  xavierUniform,
  zeros,
} from '../nn/index.js';
import { gridPositions } from './gridPositions.js';
import { TIME_COMPONENTS } from './timestamps.js';
import { restoreTokens, selectTokens, withClassToken, withoutClassToken } from './tokens.js';
import { transformer } from './vit.js';

/** Blocks of one width. */
export interface SatMaeStack {
  width: number;
  depth: number;
  heads: number;
  mlpWidth: number;
  /** Channels of a token's position that tell its part: of all three components of a timestamp, or of a group's number. */
  partWidth: number;
}

/** What images come in. */
export type SatMaeParts =
  /** So many images of one place, each with `channels` channels; they share one patch embedding. */
  | { kind: 'times'; count: number; channels: number }
  /** Bands of one image by group; each group has its own patch embedding. */
  | { kind: 'groups'; groups: readonly (readonly number[])[] };

/** Sizes of the model. */
export interface SatMaeConfig extends SatMaeStack {
  size: Size2d;
  patch: Size2d;
  parts: SatMaeParts;
  qkvBias: boolean;
  normEpsilon: number;
  decoder: SatMaeStack;
}

/** Number of parts. */
export function partCount({ parts }: Pick<SatMaeConfig, 'parts'>): number {
  return parts.kind === 'times' ? parts.count : parts.groups.length;
}

/** Tokens of a whole example, all parts, without class token. */
export function satMaeTokenCount(config: Pick<SatMaeConfig, 'parts' | 'size' | 'patch'>): number {
  const [rows, columns] = patchGrid(config.size, config.patch);
  return partCount(config) * rows * columns;
}

/** What the encoder gives. */
export interface SatMaeEncoded {
  /** After the last norm, class token first: `[B, 1 + K, D]`. */
  tokens: Tensor;
  /** What the first block reads, and the output of each block, `[B, 1 + K, D]`. */
  embedded: Tensor;
  blocks: Tensor[];
}

/**
 * The encoder on the tokens that are kept; the class token has no position.
 * @param pixels `[B, T, H·W, C]` for times, `[B, H·W, C]` for groups
 * @param kept positions in the list of all tokens, part by part, `[B, K]` i32; all where absent
 * @param times features of the timestamps, `[B, T, partWidth]`; for times alone
 */
export function satMaeEncoder(
  scope: Scope,
  config: SatMaeConfig,
  pixels: Tensor,
  { kept, times }: { kept?: Tensor; times?: Tensor },
): SatMaeEncoded {
  const places = gridTable(scope, 'positions', config, config, { frozen: true });
  const placed = embedded(scope, config, pixels).add(
    positionsOf(places, partTable(scope, 'part_positions', config, config, { times, frozen: true })),
  );
  const visible = kept ? selectTokens(placed, kept) : placed;
  const x = withClassToken(scope.parameter('class_token', [1, 1, config.width], gaussian(0.02)), visible);
  const outputs = stack(scope, 'blocks', x, config, config);
  return { tokens: norm(scope.child('norm'), outputs.at(-1) ?? x, config.normEpsilon), embedded: x, blocks: outputs };
}

/**
 * The decoder: from the encoder's tokens `[B, 1 + K, D]`, the values of every patch. For times `[B, T·L, p·q·C]`, ordered by row,
 * column and channel; for groups `[B, bands, L, p·q]`, the bands in the order of the groups joined.
 * @param restore where each token stands in a list of the kept ones followed by the removed ones, `[B, T·L]` i32
 * @param times features of the timestamps, `[B, T, decoder.partWidth]`; for times alone
 */
export function satMaeDecoder(
  scope: Scope,
  config: SatMaeConfig,
  encoded: Tensor,
  { restore, times }: { restore: Tensor; times?: Tensor },
): Tensor {
  const { decoder, normEpsilon } = config;
  const { width } = decoder;
  const y = linear(scope.child('decoder_embedding'), encoded, width, {
    initializer: xavierUniform(config.width, width),
  });
  const tokens = restoreTokens(
    withoutClassToken(y),
    scope.parameter('mask_token', [1, 1, width], gaussian(0.02)),
    restore,
  );
  const places = gridTable(scope, 'decoder_positions', config, decoder, { frozen: true });
  const parts = partTable(scope, 'decoder_part_positions', config, decoder, { times, frozen: true, extra: 1 });
  const [own, ofClass] =
    config.parts.kind === 'groups' ? [rowsOf(parts, 0, -1), rowsOf(parts, -1)] : [parts, undefined];
  const first = y.slice([undefined, [0, 1]]).add(classPosition(places, decoder, ofClass));
  const x = concat([first, tokens.add(positionsOf(places, own))], 1);
  const last = stack(scope, 'decoder_blocks', x, config, decoder).at(-1) ?? x;
  const read = norm(scope.child('decoder_norm'), last, normEpsilon);
  return predictions(scope, config, withoutClassToken(read));
}

/** What a classifier gives: features `[B, D]` and logits `[B, classes]`, beside what its blocks read and put out. */
export interface SatMaeClassified extends Pick<SatMaeEncoded, 'embedded' | 'blocks'> {
  features: Tensor;
  logits: Tensor;
}

/**
 * The classifier for fine-tuning: all tokens, trained positions, and one for the class token too.
 * @param options `pooling`: the norm of the mean of all parts' patches, or the class token after the norm
 */
export function satMaeClassifier(
  scope: Scope,
  config: Omit<SatMaeConfig, 'decoder'>,
  pixels: Tensor,
  options: { classes: number; pooling: 'average' | 'token'; dropPath?: number; times?: Tensor },
): SatMaeClassified {
  const { width, normEpsilon } = config;
  const places = gridTable(scope, 'positions', config, config, {});
  const parts = partTable(scope, 'part_positions', config, config, options);
  const ofClass =
    config.parts.kind === 'groups'
      ? scope.parameter('class_part_position', [1, 1, config.partWidth], zeros)
      : undefined;
  const token = scope
    .parameter('class_token', [1, 1, width], gaussian(0.02))
    .add(classPosition(places, config, ofClass));
  const x = withClassToken(token, embedded(scope, config, pixels).add(positionsOf(places, parts)));
  const outputs = stack(scope, 'blocks', x, config, config, options.dropPath);
  const y = outputs.at(-1) ?? x;
  const features =
    options.pooling === 'average'
      ? norm(scope.child('pool_norm'), withoutClassToken(y).mean(1), normEpsilon)
      : norm(scope.child('norm'), y, normEpsilon)
          .slice([undefined, [0, 1]])
          .reshape([-1, width]);
  // The head begins near zero, so that fine-tuning begins with even odds.
  const logits = linear(scope.child('head'), features, options.classes, { initializer: gaussian(2e-5) });
  return { features, logits, embedded: x, blocks: outputs };
}

/** Patches as tokens, part by part: `[B, T·L, D]`. */
function embedded(scope: Scope, { parts, size, patch, width }: Omit<SatMaeConfig, 'decoder'>, pixels: Tensor): Tensor {
  const embed = (own: Scope, x: Tensor) =>
    patchEmbedding(own, x, {
      size,
      patch,
      width,
      initializer: xavierUniform(x.shape[2] * patch[0] * patch[1], width),
    });
  const module = scope.child('patch_embedding');
  if (parts.kind === 'groups') {
    const bands = pixels.shape[2];
    ensure(
      parts.groups.flat().every((band) => band >= 0 && band < bands),
      () => `The groups name bands up to ${Math.max(...parts.groups.flat())}, but images have ${bands}.`,
    );
    return concat(
      parts.groups.map((group, g) =>
        embed(module.child(`${g}`), pixels.gather(constant(Int32Array.from(group), [group.length], 'i32'), 2)),
      ),
      1,
    );
  }
  const [batch, count, area, channels] = pixels.shape;
  ensure(
    pixels.rank === 4 && count === parts.count && channels === parts.channels,
    () => `The model takes ${parts.count} images of ${parts.channels} channels, not ${pixels}.`,
  );
  return embed(module, pixels.reshape([batch * count, area, channels])).reshape([batch, -1, width]);
}

/** The table of places on the grid, the class token's (zero) first: `[1, 1 + L, width - partWidth]`. */
function gridTable(
  scope: Scope,
  name: string,
  { size, patch }: Pick<SatMaeConfig, 'size' | 'patch'>,
  { width, partWidth }: SatMaeStack,
  { frozen = false },
): Tensor {
  const channels = width - partWidth;
  ensure(
    channels > 0,
    () =>
      `Of a width of ${width} channels ${partWidth} tell a token's part, which leaves none for its place: widen the model.`,
  );
  return gridPositions(scope, name, channels, patchGrid(size, patch), { frozen });
}

/** Where or when each part is, `[B or 1, parts, partWidth]`: given for times, a table for groups (of `extra` more rows). */
function partTable(
  scope: Scope,
  name: string,
  { parts }: Pick<SatMaeConfig, 'parts'>,
  { partWidth }: SatMaeStack,
  { times, frozen = false, extra = 0 }: { times?: Tensor; frozen?: boolean; extra?: number },
): Tensor {
  if (parts.kind === 'groups') {
    const rows = parts.groups.length + extra;
    const values = () => sincos1d(rows, partWidth).data;
    return scope.parameter(name, [1, rows, partWidth], { kind: 'values', values }, { frozen });
  }
  ensure(
    times && times.shape[1] === parts.count && times.shape[2] === partWidth,
    () =>
      `The model needs features of ${parts.count} timestamps, ${partWidth / TIME_COMPONENTS} channels for each component, not ${times ?? 'none'}.`,
  );
  return times;
}

/** Positions of all tokens, part by part: from `[1, 1 + L, P]` and `[b, parts, Q]` → `[b, parts·L, P + Q]`. */
function positionsOf(places: Tensor, parts: Tensor): Tensor {
  const [batch, count, partWidth] = parts.shape;
  const [, rows, channels] = places.shape;
  const length = rows - 1;
  const grid = places.slice([undefined, [1, rows]]).reshape([1, 1, length, channels]);
  const joined = [
    grid.expand([batch, count, length, channels]),
    parts.reshape([batch, count, 1, partWidth]).expand([batch, count, length, partWidth]),
  ];
  return concat(joined, 3).reshape([batch, count * length, channels + partWidth]);
}

/** The class token's position: the table's first row beside its own part, or zeros. `[1, 1, D]` */
function classPosition(places: Tensor, { partWidth }: SatMaeStack, part: Tensor | undefined): Tensor {
  return concat([places.slice([undefined, [0, 1]]), part ?? zeroTensor([1, 1, partWidth])], 2);
}

/** The output of each block. */
function stack(
  scope: Scope,
  name: string,
  x: Tensor,
  { qkvBias, normEpsilon }: Pick<SatMaeConfig, 'qkvBias' | 'normEpsilon'>,
  { depth, heads, mlpWidth }: SatMaeStack,
  dropPath = 0,
): Tensor[] {
  const options = { heads, mlpWidth, normEpsilon, qkvBias: qkvBias ? ('all' as const) : ('none' as const) };
  return transformer(scope, name, x, depth, { ...options, dropPath, initializer: xavierUniform });
}

/** Tokens `[B, T·L, D]` → the values of their patches. */
function predictions(scope: Scope, { parts, size, patch, decoder }: SatMaeConfig, tokens: Tensor): Tensor {
  const area = patch[0] * patch[1];
  const predict = (own: Scope, x: Tensor, values: number) =>
    linear(own, x, values, { initializer: xavierUniform(decoder.width, values) });
  const module = scope.child('decoder_prediction');
  if (parts.kind === 'times') return predict(module, tokens, area * parts.channels);
  const [rows, columns] = patchGrid(size, patch);
  const length = rows * columns;
  const ofGroups = tokens.split(parts.groups.length, 1).map((x, g) => {
    const bands = parts.groups[g].length;
    return predict(module.child(`${g}`), x, bands * area)
      .reshape([x.shape[0], length, bands, area])
      .transpose([0, 2, 1, 3]);
  });
  return concat(ofGroups, 1);
}

/** Some rows of a table `[1, rows, width]`. */
function rowsOf(table: Tensor, from: number, to = table.shape[1]): Tensor {
  return table.slice([undefined, [from, to]]);
}
