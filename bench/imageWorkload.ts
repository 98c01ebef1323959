/** Transformers on patches as workloads: a classifier, and a masked auto-encoder that sees a quarter of the patches. */
import { Graph, input, type Tensor, type Values } from '../src/graph/index.js';
import { type MaeConfig, type MaeStack, maeDecoder, maeEncoder } from '../src/models/mae.js';
import { maeVariants } from '../src/models/maeVariants.js';
import { type VitConfig, vit } from '../src/models/vit.js';
import { vitVariants } from '../src/models/vitVariants.js';
import { patchify, Scope } from '../src/nn/index.js';
import type { Workload, WorkloadSpec } from './workload.js';

const INPUT = 'image';
const CLASSES = 1000;

/** What a model of one kind comes to. */
interface Built {
  config: Record<string, unknown>;
  output: Tensor;
  loss: Tensor;
  feeds: Record<string, Values>;
  plainFlops: number;
}

/** The workload of `vit` or `mae`: what the peer `torch_vit.py` computes too. `pixels`: values of the batch. */
export function imageWorkload(spec: WorkloadSpec, pixels: (size: number) => Float32Array): Workload {
  const [height, width] = spec.indexShape;
  const x = input(INPUT, [spec.batch, height * width, spec.channels]);
  const scope = Scope.root({ training: true, rematerialize: spec.rematerialize });
  const { config, output, loss, feeds, plainFlops } =
    spec.system === 'mae' ? mae(scope, spec, x) : classifier(scope, spec, x);
  return {
    spec,
    config: { ...config, kind: spec.system },
    loss,
    needs: scope.needs,
    forward: Graph.of({ output }),
    feeds: () => ({ [INPUT]: pixels(x.size), ...feeds }),
    plainFlops,
  };
}

/** Cross-entropy of 1,000 classes; the labels are fixed. */
function classifier(scope: Scope, { variant, indexShape, batch, channels }: WorkloadSpec, x: Tensor): Built {
  const config: VitConfig = { ...vitVariants[variant], classes: CLASSES };
  const logits = vit(scope, config, x, [indexShape[0], indexShape[1]]).logits!;
  const labels = input('labels', [batch], 'i32');
  const loss = logits.logSoftmax(-1).mul(labels.oneHot(CLASSES)).sum().div(-batch);
  const patches = countPatches(config.patch, indexShape);
  return {
    config: { ...config },
    output: logits,
    loss,
    feeds: { labels: Int32Array.from({ length: batch }, (_, i) => (37 * i) % CLASSES) },
    plainFlops:
      batch *
      (product(patches, valuesOf(config.patch, channels), config.width) +
        stackFlops(config, patches + 1) +
        product(1, config.width, CLASSES)),
  };
}

/** Mean squared error of the patches that are not kept; which are kept is fixed. */
function mae(scope: Scope, { variant, indexShape, batch, channels }: WorkloadSpec, x: Tensor): Built {
  const config: MaeConfig = maeVariants[variant];
  const size = [indexShape[0], indexShape[1]] as const;
  const count = countPatches(config.patch, indexShape);
  const seen = count >> 2;
  const order = Int32Array.from(
    { length: batch * count },
    (_, i) => (75 * (i % count) + 13 * Math.floor(i / count)) % count,
  );
  const [kept, restore] = [new Int32Array(batch * seen), new Int32Array(batch * count)];
  order.forEach((place, i) => {
    const [example, rank] = [Math.floor(i / count), i % count];
    restore[example * count + place] = rank;
    if (rank < seen) kept[example * seen + rank] = place;
  });
  const restored = input('restore', [batch, count], 'i32');
  const { tokens } = maeEncoder(scope, config, x, size, input('kept', [batch, seen], 'i32'));
  const output = maeDecoder(scope, config, tokens, restored, { size, channels });
  const error = output.sub(patchify(x, size, config.patch));
  const masked = restored.greaterEqual(seen).cast('f32');
  const values = valuesOf(config.patch, channels);
  const loss = error
    .mul(error)
    .mean(-1)
    .mul(masked)
    .sum()
    .div(batch * (count - seen));
  const { width, decoder } = config;
  return {
    config: { ...config },
    output,
    loss,
    feeds: { kept, restore },
    plainFlops:
      batch *
      (product(count, values, width) +
        stackFlops(config, seen + 1) +
        product(seen + 1, width, decoder.width) +
        stackFlops(decoder, count + 1) +
        product(count + 1, decoder.width, values)),
  };
}

function countPatches(patch: readonly [number, number], indexShape: readonly number[]): number {
  return (indexShape[0] / patch[0]) * (indexShape[1] / patch[1]);
}

function valuesOf(patch: readonly [number, number], channels: number): number {
  return patch[0] * patch[1] * channels;
}

/** Operations of all blocks on so many tokens of one example: four maps, two products of attention, an MLP. */
function stackFlops({ width, depth, mlpWidth }: MaeStack, tokens: number): number {
  return (
    depth *
    (4 * product(tokens, width, width) + 2 * product(tokens, width, tokens) + 2 * product(tokens, width, mlpWidth))
  );
}

/** Operations of an `[n, k] x [k, m]` matrix product. */
function product(n: number, k: number, m: number): number {
  return 2 * n * k * m;
}
