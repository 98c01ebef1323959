/**
 * Checkpoint layouts: where another implementation of a model (timm, Hugging Face, the authors' repository) keeps each of
 * our parameters. A layout is a list of rules; conversion goes both ways and loses nothing.
 */
import { ensure } from '../../errors/index.js';
import { type Shape, sameShape, show, sizeOf } from '../../graph/index.js';

/** One rule: our name and theirs. */
export interface LayoutRule {
  /**
   * A parameter (`class_token`) or a module (`blocks/#/norm_1`), whose `w`, `b`, `scale`, `offset` are their `weight` and
   * `bias` (see `LEAVES`). Each `#` stands for one piece of a name between slashes, and goes to the `#` of `theirs` in the same order.
   */
  ours: string;
  theirs: string;
  /** The tensor is the `index`-th of `count` equal pieces of theirs, one below the other: query, key and value in one matrix. */
  part?: { index: number; count: number };
  /** The weight is a convolution `[out, in, ...kernel]` there and `[...kernel, in, out]` here, leading axes joined as ours are. */
  kernel?: Shape;
  /** Their tensor's shape, where it has the same values in the same order but other axes. */
  shape?: Shape;
}

/** How a checkpoint of one implementation is named. */
export type Layout = readonly LayoutRule[];

/** Where one of our parameters is kept. */
export interface StoredAs {
  name: string;
  /** Of the piece that is ours. */
  shape: Shape;
  /** Their axes in our order; as they are where absent. */
  axes?: readonly number[];
  part?: { index: number; count: number };
}

/** A parameter's name and our shape. */
export interface NamedShape {
  name: string;
  shape: Shape;
}

/** A tensor under their name. */
export interface LayoutTensor {
  shape: Shape;
  data: Float32Array;
}

/** `kernel` is the weight of a convolution that has their axes here too; `mean` and `variance` are batch norm's statistics. */
const LEAVES: Record<string, string> = {
  w: 'weight',
  b: 'bias',
  scale: 'weight',
  offset: 'bias',
  kernel: 'weight',
  mean: 'running_mean',
  variance: 'running_var',
};

/** Tensors that others keep beside the parameters, and that follow from the sizes or count steps: never needed. */
const BYSTANDERS = /(^|\.)(relative_position_index|attn_mask|num_batches_tracked)$/;

/** Where the layout keeps a parameter; undefined where no rule speaks of it. */
export function storedAs(layout: Layout, { name, shape }: NamedShape): StoredAs | undefined {
  const cut = name.lastIndexOf('/');
  const leaf = LEAVES[name.slice(cut + 1)];
  for (const rule of layout) {
    const whole = translate(rule, name);
    if (whole !== undefined) return { name: whole, shape: rule.shape ?? shape, part: rule.part };
    const module = leaf === undefined ? undefined : translate(rule, name.slice(0, cut));
    if (module === undefined) continue;
    const isWeight = name.endsWith('/w');
    return { name: `${module}.${leaf}`, part: rule.part, ...(isWeight ? turned(rule, shape) : { shape }) };
  }
  return undefined;
}

/** Their name for ours by one rule, if that speaks of it. */
function translate({ ours, theirs }: LayoutRule, name: string): string | undefined {
  const pattern = ours.split('/');
  const pieces = name.split('/');
  if (pattern.length !== pieces.length) return undefined;
  const wild: string[] = [];
  for (const [i, piece] of pattern.entries()) {
    if (piece === '#') wild.push(pieces[i]);
    else if (piece !== pieces[i]) return undefined;
  }
  let next = 0;
  return theirs.replace(/#/g, () => wild[next++]);
}

/** A weight's shape and axes there: `[out, in]`, or `[out, in, ...kernel]`. */
function turned({ kernel }: LayoutRule, shape: Shape): { shape: Shape; axes: readonly number[] } {
  const out = shape[shape.length - 1];
  if (!kernel) return { shape: [...shape].reverse(), axes: shape.map((_, i) => shape.length - 1 - i) };
  const inputs = sizeOf(shape) / out / sizeOf(kernel);
  return { shape: [out, inputs, ...kernel], axes: [...kernel.map((_, i) => i + 2), 1, 0] };
}

/** What a checkpoint gave. */
export interface FromLayout {
  /** By our names. */
  values: Map<string, Float32Array>;
  /** Parameters of the model that the checkpoint lacks, by their names where the layout has one. */
  missing: string[];
  /** Tensors of the checkpoint that no parameter of the model is kept in. */
  unexpected: string[];
}

/**
 * Our parameters from a checkpoint in a layout.
 * @throws HiperceiverError naming a tensor whose shape does not fit.
 */
export function fromLayout(
  layout: Layout,
  parameters: Iterable<NamedShape>,
  tensors: ReadonlyMap<string, LayoutTensor>,
): FromLayout {
  const values = new Map<string, Float32Array>();
  const missing = new Set<string>();
  const used = new Set<string>();
  for (const parameter of parameters) {
    const stored = storedAs(layout, parameter);
    const tensor = stored && tensors.get(stored.name);
    if (!stored || !tensor) {
      missing.add(stored?.name ?? parameter.name);
      continue;
    }
    used.add(stored.name);
    const { index, count } = stored.part ?? { index: 0, count: 1 };
    const whole = [stored.shape[0] * count, ...stored.shape.slice(1)];
    ensure(
      sameShape(tensor.shape, count === 1 ? stored.shape : whole) || (count === 1 && flat(tensor.shape, stored.shape)),
      () => `Tensor "${stored.name}" has the shape ${show(tensor.shape)}; the model needs ${show(whole)}.`,
    );
    const size = sizeOf(stored.shape);
    const piece = tensor.data.subarray(index * size, (index + 1) * size);
    values.set(parameter.name, stored.axes ? permuted(piece, stored.shape, stored.axes) : piece.slice());
  }
  return {
    values,
    missing: [...missing],
    unexpected: [...tensors.keys()].filter((name) => !used.has(name) && !BYSTANDERS.test(name)),
  };
}

/** Old checkpoints keep a convolution as a matrix `[out, in·kernel]`: the same values in the same order. */
function flat(got: Shape, wanted: Shape): boolean {
  return got.length === 2 && wanted.length > 2 && got[0] === wanted[0] && sizeOf(got) === sizeOf(wanted);
}

/**
 * A checkpoint in a layout from our parameters (or their gradients).
 * @throws HiperceiverError naming a parameter that the layout has no place for.
 */
export function toLayout(
  layout: Layout,
  parameters: Iterable<NamedShape>,
  values: ReadonlyMap<string, Float32Array>,
): Map<string, LayoutTensor> {
  const tensors = new Map<string, LayoutTensor>();
  for (const parameter of parameters) {
    const stored = storedAs(layout, parameter);
    ensure(stored, () => `Parameter "${parameter.name}" has no name in the layout that is asked for.`);
    const { index, count } = stored.part ?? { index: 0, count: 1 };
    const shape = count === 1 ? stored.shape : [stored.shape[0] * count, ...stored.shape.slice(1)];
    const tensor = tensors.get(stored.name) ?? { shape, data: new Float32Array(sizeOf(shape)) };
    tensors.set(stored.name, tensor);
    const own = values.get(parameter.name)!;
    const piece = stored.axes ? restored(own, stored.shape, stored.axes) : own;
    tensor.data.set(piece, index * sizeOf(stored.shape));
  }
  return tensors;
}

/** The values of an array of `shape` with its axes in another order. */
function permuted(data: Float32Array, shape: Shape, axes: readonly number[]): Float32Array {
  const out = new Float32Array(data.length);
  visit(shape, axes, (theirs, ours) => {
    out[ours] = data[theirs];
  });
  return out;
}

/** The inverse of {@link permuted}. */
function restored(data: Float32Array, shape: Shape, axes: readonly number[]): Float32Array {
  const out = new Float32Array(data.length);
  visit(shape, axes, (theirs, ours) => {
    out[theirs] = data[ours];
  });
  return out;
}

/** Calls `pair` with the offset of each element before and after its axes change places. */
function visit(shape: Shape, axes: readonly number[], pair: (theirs: number, ours: number) => void): void {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const sizes = axes.map((axis) => shape[axis]);
  const steps = axes.map((axis) => strides[axis]);
  const at = sizes.map(() => 0);
  let from = 0;
  const total = sizeOf(shape);
  for (let to = 0; to < total; to++) {
    pair(from, to);
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++at[axis] < sizes[axis]) break;
      from -= steps[axis] * sizes[axis];
      at[axis] = 0;
    }
  }
}
