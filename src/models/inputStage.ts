/** From raw signals to groups of embedded inputs, and back: embedder, position encoder, grouper. */
import { ensure } from '../errors/index.js';
import { constant, type Tensor } from '../graph/index.js';
import { fanIn, fourierFeatures, linear, linearMap, type Scope, zeros } from '../nn/index.js';
import { type Grouping, groupRows, isPadded, joinGroups, type ModalityGroups, padRows, validRows } from './grouping.js';
import { indexDim, type Modality } from './modality.js';
import {
  embedderName,
  embedName,
  fourierName,
  positionEncoderName,
  projectionName,
  tableName,
  unembedName,
} from './partNames.js';
import { selectRows } from './rows.js';
import type { ApplyOptions } from './system.js';
import { joinReadable, onlyReal, type Readable, readableRows, realElements } from './validity.js';

/** How a model is told where an input lies. */
export interface PositionOptions {
  /** `learned`: a table. `fourier`: fixed Fourier features through a trained linear. `none`: nothing tells where an input lies. */
  positions: 'learned' | 'fourier' | 'none';
  /** Factor on the learned table's initial scale of 1 / sqrt(rows). */
  positionInitScale: number;
  /** Set and different from the embedding width: a trained projection of the table, without bias. */
  numPositionEncodingChannels?: number;
}

/** Frequency bands per axis of the Fourier features, as Perceiver takes for images (arXiv 2103.03206, appendix). */
const FOURIER_BANDS = 64;

/**
 * Which rows of a modality's groups are used, counted inside the group (i32, `[1 or B, 1 or groups, K]`).
 * Rows that are not visible never enter the model: its work shrinks with them.
 */
export interface RowSelection {
  /** All where absent; `none` hides the modality: its groups hold nothing, and can still be asked for. */
  visible?: Tensor | 'none';
  /** Rows to reconstruct; all where absent. */
  queried?: Tensor;
}

/**
 * The position vectors of all elements of a modality, `[I, E]`.
 * @param order number of the modality among all: the reference numbers the names of their projections
 */
export function positionTable(...how: Parameters<typeof positionRows>): Tensor {
  const { rows, project } = positionRows(...how);
  return project(rows);
}

/** What stands for each position, `[I, F]`, and the trained map from there to position vectors. */
function positionRows(
  scope: Scope,
  modality: Modality,
  order: number,
  channels: number,
  options: PositionOptions,
): { rows: Tensor; project: (rows: Tensor) => Tensor } {
  const rows = indexDim(modality);
  if (options.positions === 'none')
    return { rows: constant([0], [1, 1]).expand([rows, channels]), project: (none) => none };
  if (options.positions === 'fourier') {
    const bands = Math.min(FOURIER_BANDS, Math.ceil(Math.max(...modality.indexShape) / 2));
    const features = fourierFeatures([...modality.indexShape], bands);
    const fourier = scope.child(fourierName(modality.name));
    return {
      rows: constant(features.data, [rows, features.channels]),
      project: (chosen) => linear(fourier, chosen, channels),
    };
  }
  const table = scope
    .child(tableName(modality.name))
    .parameter('pos_embs', [rows, channels], fanIn(rows, options.positionInitScale));
  const projected = options.numPositionEncodingChannels;
  if (projected === undefined || projected === channels) return { rows: table, project: (chosen) => chosen };
  const projection = scope.child(projectionName(order));
  return { rows: table, project: (chosen) => linear(projection, chosen, channels, { bias: false }) };
}

/** What the blocks read, and what the reconstruction head asks with. */
export interface Stem {
  /** Embedded inputs with positions, `[B, G, K, E]`: K = M, or the visible rows alone. */
  x: Tensor;
  /** Positions without content, what the reconstruction head asks with: `[1 or B, G_m, Q, E]` for each modality. */
  queries: Record<string, Tensor>;
  /** What of x may be read, where not all of it is real. */
  readable?: Readable;
}

/** Embeds, adds positions and groups. `inputs[name]` is `[B, I, C]`. */
export function inputStage(
  scope: Scope,
  modalities: readonly Modality[],
  inputs: Record<string, Tensor>,
  grouping: Grouping,
  channels: number,
  options: PositionOptions &
    Pick<ApplyOptions, 'selections' | 'valid'> & {
      /** Number of the first modality. */
      order?: number;
    },
): Stem {
  const parts: Tensor[] = [];
  const queries: Record<string, Tensor> = {};
  const readable: Readable[] = [];
  modalities.forEach((modality, i) => {
    const { name } = modality;
    const input = inputs[name];
    ensure(input, () => `The model takes modality "${name}", which was not given.`);
    ensure(
      input.rank === 3 && input.shape[1] === indexDim(modality) && input.shape[2] === modality.channels,
      () => `Modality "${name}" should be [batch, ${indexDim(modality)}, ${modality.channels}], not ${input}.`,
    );
    const part = grouping.modalities[i];
    const order = (options.order ?? 0) + i;
    const { rows, project } = positionRows(scope.child(positionEncoderName()), modality, order, channels, options);
    const grouped = (table: Tensor) => groupRows(table.reshape([1, ...table.shape]), part);
    // Few rows are chosen first and projected then; where each example has its own, they are more than the whole table.
    const positionsAt = (indices: Tensor | undefined) => {
      if (!indices) return grouped(project(rows));
      const [batch, , count] = indices.shape;
      const isFewer = batch * part.groups * count <= indexDim(modality);
      return isFewer ? project(selectRows(grouped(rows), indices)) : selectRows(grouped(project(rows)), indices);
    };
    const { visible, queried } = options.selections?.[name] ?? {};
    const real = realElements(modality, input, options.valid?.[name]);
    readable.push(readableRows(part, grouping.indexDimPerGroup, real, visible));
    parts.push(
      visible === 'none'
        ? hiddenGroups(scope, modality, input, part, channels)
        : embedGroups(
            scope,
            modality,
            groupRows(onlyReal(input, real), part),
            positionsAt(visible),
            part,
            grouping.indexDimPerGroup,
            channels,
            visible,
          ),
    );
    queries[name] = positionsAt(queried);
  });
  // Modalities may keep different numbers of rows: the shorter groups end in zero rows, as padding does everywhere in HiP.
  const longest = Math.max(...parts.map((p) => p.shape[2]));
  return {
    x: joinGroups(parts.map((p) => padRows(p, longest - p.shape[2]))),
    queries,
    readable: isAllReal(modalities, options) ? undefined : joinReadable(readable, longest),
  };
}

/** Whether nothing says that any of these modalities is padded, missing or hidden. */
function isAllReal(
  modalities: readonly Modality[],
  { selections, valid }: Pick<ApplyOptions, 'selections' | 'valid'>,
): boolean {
  return modalities.every(({ name }) => !valid?.[name] && selections?.[name]?.visible !== 'none');
}

/** One zero row for each group of a modality of which nothing is visible. It has the parameters that it has when seen. */
function hiddenGroups(scope: Scope, { name }: Modality, input: Tensor, part: ModalityGroups, channels: number): Tensor {
  const [batch, , inputs] = input.shape;
  linearMap(scope.child(embedderName()).child(embedName(name)), inputs, channels);
  return constant([0], [1, 1, 1, 1]).expand([batch, part.groups, 1, channels]);
}

function embedGroups(
  scope: Scope,
  modality: Modality,
  rows: Tensor,
  positions: Tensor,
  part: ModalityGroups,
  indexDimPerGroup: number,
  channels: number,
  visible?: Tensor,
): Tensor {
  const choose = (x: Tensor) => (visible ? selectRows(x, visible) : x);
  const embedded = linear(scope.child(embedderName()).child(embedName(modality.name)), choose(rows), channels);
  const x = embedded.add(positions);
  // Padding is zero after embedding and position, not before: it takes part in the softmax with the key of a zero row.
  return isPadded(part) ? x.mul(choose(validRows(part, indexDimPerGroup))) : x;
}

/** One trained linear per modality back to its own channels; begins at zero. */
export function unembed(scope: Scope, name: string, x: Tensor, channels: number): Tensor {
  return linear(scope.child(unembedName(name)), x, channels, { initializer: zeros });
}
