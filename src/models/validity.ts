/**
 * Which parts of the input are real, and what attention may read because of it. Padding of variable lengths and missing
 * modalities are read by nothing; a group that holds nothing real is read by no later block.
 *
 * The zero rows that make a model's groups equally long are not among them: they are the same in every example and belong to
 * the architecture (the reference lets them take part in the softmax), so that a model gives the same whether it is told
 * that all is real or told nothing.
 */
import { ensure, unknownName } from '../errors/index.js';
import { concat, constant, input, show, type Tensor, type Values } from '../graph/index.js';
import {
  groupRows,
  isPadded,
  joinGroups,
  type ModalityGroups,
  type RegroupType,
  regroup,
  validRows,
} from './grouping.js';
import type { RowSelection } from './inputStage.js';
import { indexDim, type Modality } from './modality.js';
import { selectRows } from './rows.js';

/** What may be read of a block's input: 1 = yes, 0 = no. The batch axis is 1 where all examples are alike. */
export interface Readable {
  /** `[B or 1, G, M, 1]` */
  rows: Tensor;
  /** Whether a group holds anything real, `[B or 1, G, 1, 1]`. */
  groups: Tensor;
}

/** Throws where validity is told of a modality that the model does not take. */
export function checkValid(modalities: readonly Modality[], valid: Record<string, unknown> = {}): void {
  const names = modalities.map((m) => m.name);
  for (const name of Object.keys(valid)) if (!names.includes(name)) throw unknownName('modality', name, names);
}

/** Validity as told, `[B, I]` or `[B, 1]`, f32 or bool → 0 and 1 `[B, I, 1]`; nothing where nothing was told. */
export function realElements(modality: Modality, signal: Tensor, valid: Tensor | undefined): Tensor | undefined {
  if (!valid) return undefined;
  const [batch, rows] = [signal.shape[0], indexDim(modality)];
  ensure(
    valid.rank === 2 && valid.shape[0] === batch && (valid.shape[1] === rows || valid.shape[1] === 1),
    () =>
      `The validity of modality "${modality.name}" should be [${batch}, ${rows}] or [${batch}, 1], not ${show(valid.shape)}.`,
  );
  // By way of a truth value: exact, and free to be computed in any precision.
  const truth = valid.dtype === 'bool' ? valid : valid.greater(0);
  return truth.cast('f32').reshape([batch, -1, 1]).expand([batch, rows, 1]);
}

/** The signal `[B, I, C]` with zeros where it is not real: whatever stood there, NaN included, is gone. */
export function onlyReal(signal: Tensor, real: Tensor | undefined): Tensor {
  return real ? real.greater(0).where(signal, 0) : signal;
}

/**
 * What of one modality's groups may be read.
 * @param real 1 = real, `[B, I, 1]`; all where absent
 * @param visible the rows that enter the model
 */
export function readableRows(
  part: ModalityGroups,
  indexDimPerGroup: number,
  real: Tensor | undefined,
  visible: RowSelection['visible'],
): Readable {
  if (visible === 'none') {
    const nothing = constant([0], [1, 1, 1, 1]).expand([1, part.groups, 1, 1]);
    return { rows: nothing, groups: nothing };
  }
  const chosen = (x: Tensor) => (visible ? selectRows(x, visible) : x);
  const inputRows = validRows(part, indexDimPerGroup);
  const realRows = chosen(real ? groupRows(real, part) : inputRows);
  const groups = realRows.max(2, true);
  if (!isPadded(part)) return { rows: realRows, groups };
  const padding = chosen(constant([1], []).sub(inputRows));
  return { rows: realRows.add(padding), groups };
}

/** Modalities side by side, as {@link joinGroups} puts their rows; shorter groups end in padding rows, up to `longest`. */
export function joinReadable(parts: Readable[], longest: number): Readable {
  const padded = parts.map(({ rows }) =>
    rows.pad(
      rows.shape.map((n, axis) => [0, axis === 2 ? longest - n : 0]),
      1,
    ),
  );
  return { rows: joinGroups(padded), groups: joinGroups(parts.map((p) => p.groups)) };
}

/** Parts of a single group behind each other: `[B or 1, 1, N, 1]` each; what is absent is all real. */
export function readableInOneGroup(parts: { rows?: Tensor; count: number }[]): Readable {
  const all = parts.map(({ rows, count }) => rows ?? constant([1], [1, 1, 1, 1]).expand([1, 1, count, 1]));
  const batch = Math.max(...all.map((r) => r.shape[0]));
  const rows = concat(
    all.map((r) => r.expand([batch, 1, r.shape[2], 1])),
    2,
  );
  return { rows, groups: rows.max(2, true) };
}

/**
 * What the next block may read of a block's latents: those of groups that held something real, regrouped as they are.
 * @param before what that block could read
 */
export function readableLatents(before: Readable, numLatents: number, numGroups: number, type: RegroupType): Readable {
  const [batch, groups] = before.groups.shape;
  const rows = regroup(before.groups.expand([batch, groups, numLatents, 1]), numGroups, type);
  return { rows, groups: rows.max(2, true) };
}

const inputName = (modality: string) => `valid/${modality}`;

/** Graph inputs that tell the validity of a batch: `valid/<modality>`, f32 `[B, I]`. For `ApplyOptions.valid`. */
export function validInputs(modalities: readonly Modality[], batchSize: number): Record<string, Tensor> {
  return Object.fromEntries(modalities.map((m) => [m.name, input(inputName(m.name), [batchSize, indexDim(m)])]));
}

/**
 * What {@link validInputs} are fed.
 * @param valid by modality `[B, I]`, or `[B]` for a modality that is there or not; what has no entry is all real
 * @throws HiperceiverError where the number of values fits neither, or a modality is unknown
 */
export function validFeeds(
  modalities: readonly Modality[],
  batchSize: number,
  valid: Readonly<Record<string, Float32Array>> = {},
): Record<string, Values> {
  checkValid(modalities, valid);
  return Object.fromEntries(
    modalities.map((m) => [inputName(m.name), validElements(m, batchSize, valid[m.name])] as const),
  );
}

function validElements(modality: Modality, batchSize: number, valid: Float32Array | undefined): Float32Array {
  const rows = indexDim(modality);
  if (valid?.length === batchSize * rows) return valid;
  ensure(
    !valid || valid.length === batchSize,
    () =>
      `The validity of modality "${modality.name}" has ${valid?.length} values, not ${batchSize} (one for each example) or ${batchSize} x ${rows}.`,
  );
  return Float32Array.from({ length: batchSize * rows }, (_, i) => valid?.[Math.floor(i / rows)] ?? 1);
}
