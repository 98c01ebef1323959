/**
 * Segmentation by UperNet (Xiao et al. 2018, arXiv 1807.10221): maps of four sizes, pooled at several scales and joined from the
 * smallest to the largest.
 */
import { concat, type Tensor } from '../graph/index.js';
import { averagePool, batchNormLayer, convolution, resizedLinearly, type Scope, type Size2d } from '../nn/index.js';

/** Sizes of the heads. */
export interface UpperNetConfig {
  classes: number;
  /** Rows and columns into which the smallest map is pooled. */
  poolScales: readonly number[];
  /** Channels of the main head. Default: those of the largest map. */
  channels?: number;
  /** The second head, which only training uses; none where absent. */
  auxiliary?: { channels: number; convolutions: number; concatInput: boolean };
}

/** Logits as maps. */
export interface SegmentationMaps {
  /** `[B, classes, rows, columns]` of the largest map */
  main: Tensor;
  /** The same of the last map but one, from the second head. */
  auxiliary?: Tensor;
}

/** Both heads as BEiT's authors take them; classes aside. */
export const upperNetDefaults: Omit<UpperNetConfig, 'classes'> = {
  poolScales: [1, 2, 3, 6],
  auxiliary: { channels: 256, convolutions: 1, concatInput: false },
};

/** Logits of every class from maps `[B, C, rows, columns]`, the largest first; the auxiliary head reads the last but one. */
export function upperNet(scope: Scope, config: UpperNetConfig, maps: readonly Tensor[]): SegmentationMaps {
  const main = joinedMaps(scope.child('decode_head'), config, maps);
  const auxiliary =
    config.auxiliary && fullyConvolutional(scope.child('auxiliary_head'), config, maps[maps.length - 2]);
  return { main, auxiliary };
}

/** Convolution without bias, batch norm, ReLU. */
function convolutionUnit(scope: Scope, x: Tensor, out: number, kernel: number): Tensor {
  const y = convolution(scope.child('conv'), x, out, { kernel, bias: false });
  return batchNormLayer(scope.child('norm'), y).relu();
}

function joinedMaps(scope: Scope, config: UpperNetConfig, maps: readonly Tensor[]): Tensor {
  const { classes, poolScales, channels: width = maps[0].shape[1] } = config;
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

function fullyConvolutional(scope: Scope, { classes, auxiliary }: UpperNetConfig, map: Tensor): Tensor {
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
