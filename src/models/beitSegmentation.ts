/**
 * Segmentation with BEiT (arXiv 2106.08254, appendix F) by UperNet (Xiao et al. 2018, arXiv 1807.10221): four states of the
 * transformer become maps of four sizes; pooling at several scales and a top-down path join them.
 */
import { ensure } from '../errors/index.js';
import { concat, type Tensor } from '../graph/index.js';
import {
  averagePool,
  batchNormLayer,
  convolution,
  doubledByConvolution,
  gelu,
  halvedByMax,
  resizedLinearly,
  type Scope,
  type Size2d,
} from '../nn/index.js';

/** Sizes of the heads. */
export interface BeitSegmentationConfig {
  classes: number;
  /** Four states of the transformer, counted from the embedded tokens (0). */
  states: readonly number[];
  /** Rows and columns into which the smallest map is pooled. */
  poolScales: readonly number[];
  /** The second head, which only training uses; none where absent. */
  auxiliary?: { channels: number; convolutions: number; concatInput: boolean };
}

/** Which of the four maps the auxiliary head reads. */
const AUXILIARY_MAP = 2;

/**
 * Logits of every class at a quarter of a patch's size.
 * @param states `[B, 1 + N, D]`, of which those of `config.states` are read
 * @param grid rows and columns of patches
 * @returns `main` `[B, classes, 4·rows, 4·columns]`, and `auxiliary` `[B, classes, rows, columns]`
 */
export function beitSegmentation(
  scope: Scope,
  config: BeitSegmentationConfig,
  states: readonly Tensor[],
  grid: Size2d,
): { main: Tensor; auxiliary?: Tensor } {
  ensure(
    config.states.length === 4 && config.states.every((k) => Number.isInteger(k) && k >= 0 && k < states.length),
    () =>
      `Segmentation reads four states of the transformer, 0 to ${states.length - 1}, not ${config.states.join(', ')}.`,
  );
  const maps = pyramid(
    scope,
    config.states.map((k) => patchMap(states[k], grid)),
  );
  const main = upperNet(scope.child('decode_head'), config, maps);
  const auxiliary = config.auxiliary && fullyConvolutional(scope.child('auxiliary_head'), config, maps[AUXILIARY_MAP]);
  return { main, auxiliary };
}

/** Tokens `[B, 1 + N, D]` without the class token as a map `[B, D, rows, columns]`. */
function patchMap(state: Tensor, [rows, columns]: Size2d): Tensor {
  const [batch, count, width] = state.shape;
  return state
    .slice([undefined, [1, count]])
    .transpose([0, 2, 1])
    .reshape([batch, width, rows, columns]);
}

/** Maps at 4, 2, 1 and 1/2 times the grid of patches. */
function pyramid(scope: Scope, [first, second, third, fourth]: Tensor[]): Tensor[] {
  const width = first.shape[1];
  const up = scope.child('fourfold');
  const doubled = gelu(batchNormLayer(up.child('norm'), doubledByConvolution(up.child('first'), first, width)));
  return [
    doubledByConvolution(up.child('second'), doubled, width),
    doubledByConvolution(scope.child('twofold'), second, width),
    third,
    halvedByMax(fourth),
  ];
}

/** Convolution without bias, batch norm, ReLU. */
function convolutionUnit(scope: Scope, x: Tensor, out: number, kernel: number): Tensor {
  const y = convolution(scope.child('conv'), x, out, { kernel, bias: false });
  return batchNormLayer(scope.child('norm'), y).relu();
}

function upperNet(scope: Scope, { classes, poolScales }: BeitSegmentationConfig, maps: Tensor[]): Tensor {
  const width = maps[0].shape[1];
  const smallest = maps[maps.length - 1];
  const pooled = poolScales.map((scale, i) => {
    const y = convolutionUnit(scope.child('pools').child(`${i}`), averagePool(smallest, [scale, scale]), width, 1);
    return resizedLinearly(y, sizeOf(smallest));
  });
  const larger = maps.slice(0, -1);
  const joined = larger.map((map, i) => convolutionUnit(scope.child('laterals').child(`${i}`), map, width, 1));
  joined.push(convolutionUnit(scope.child('bottleneck'), concat([smallest, ...pooled], 1), width, 3));
  for (let i = larger.length; i > 0; i--) {
    joined[i - 1] = joined[i - 1].add(resizedLinearly(joined[i], sizeOf(joined[i - 1])));
  }
  const outputs = joined.map((map, i) =>
    resizedLinearly(
      i < larger.length ? convolutionUnit(scope.child('outputs').child(`${i}`), map, width, 3) : map,
      sizeOf(joined[0]),
    ),
  );
  const together = convolutionUnit(scope.child('joined'), concat(outputs, 1), width, 3);
  return convolution(scope.child('classifier'), together, classes);
}

function fullyConvolutional(scope: Scope, { classes, auxiliary }: BeitSegmentationConfig, map: Tensor): Tensor {
  const { channels, convolutions, concatInput } = auxiliary!;
  let y = map;
  for (let i = 0; i < convolutions; i++) y = convolutionUnit(scope.child('convs').child(`${i}`), y, channels, 3);
  if (concatInput) y = convolutionUnit(scope.child('joined'), concat([map, y], 1), channels, 3);
  return convolution(scope.child('classifier'), y, classes);
}

/** Height and width of a map. */
function sizeOf(map: Tensor): Size2d {
  return [map.shape[2], map.shape[3]];
}
