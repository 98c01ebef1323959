/** Golden table of SatMAE: how many parameters its named sizes have. */
import { ensure, HiperceiverError } from '../errors/index.js';
import { input } from '../graph/index.js';
import { maeDecoder, maeDefaults, maeEncoder } from '../models/mae.js';
import {
  type SatMaeConfig,
  satMaeClassifier,
  satMaeDecoder,
  satMaeEncoder,
  satMaeTokenCount,
} from '../models/satmae.js';
import { satMaeVariants } from '../models/satmaeVariants.js';
import { patchGrid, Scope } from '../nn/index.js';
import { countRow } from './parameterRows.js';

const SIZES: Record<string, string> = { base: 'B', large: 'L', huge: 'H' };
const CHANNELS = 3;

/**
 * Parameters of a size by the reference's names: `temporal mae_vit_base_patch16 (trainable)`, `group_c fine-tune
 * vit_large_patch16 (62 classes, global_pool)`; `vanilla` sizes are plain masked auto-encoders.
 */
export function countSatMae(row: string): number {
  const match = /^(temporal|group_c|vanilla) (fine-tune )?(?:mae_)?vit_(base|large|huge)_patch(\d+)/.exec(row);
  if (!match) throw new HiperceiverError(`no size of SatMAE is called "${row}"`);
  const [, kind, isClassifier, size, patch] = match;
  const name = kind === 'group_c' ? `bands-${SIZES[size]}8` : `times-${SIZES[size]}${patch}`;
  const config = satMaeVariants[name];
  ensure(config, () => `no size of SatMAE is called "${row}"`);
  const scope = Scope.root();
  if (kind === 'vanilla') buildPlain(scope, config);
  else if (isClassifier) buildClassifier(scope, config, row);
  else build(scope, config);
  return countRow(row, scope.needs);
}

function build(scope: Scope, config: SatMaeConfig): void {
  const { pixels, times } = inputsOf(config);
  const total = satMaeTokenCount(config);
  const { tokens: encoded } = satMaeEncoder(scope, config, pixels, {
    kept: input('kept', [1, Math.floor(total / 4)], 'i32'),
    times,
  });
  satMaeDecoder(scope, config, encoded, {
    restore: input('restore', [1, total], 'i32'),
    times: inputsOf(config, config.decoder.partWidth).times,
  });
}

function buildClassifier(scope: Scope, config: SatMaeConfig, row: string): void {
  const classes = Number(/(\d+) classes/.exec(row)?.[1] ?? 1000);
  const pooling = row.includes('global_pool') ? 'average' : 'token';
  const { pixels, times } = inputsOf(config);
  satMaeClassifier(scope, config, pixels, { classes, pooling, times });
}

/** A masked auto-encoder of one image, of the same sizes. */
function buildPlain(scope: Scope, config: SatMaeConfig): void {
  const { size, patch } = config;
  const [rows, columns] = patchGrid(size, patch);
  const plain = { ...maeDefaults, ...config };
  const { tokens } = maeEncoder(scope, plain, input('pixels', [1, size[0] * size[1], CHANNELS]), size);
  maeDecoder(scope, plain, tokens, input('restore', [1, rows * columns], 'i32'), { size, channels: CHANNELS });
}

function inputsOf({ parts, size, partWidth }: SatMaeConfig, timeWidth = partWidth) {
  const area = size[0] * size[1];
  if (parts.kind === 'groups') return { pixels: input('pixels', [1, area, parts.groups.flat().length]) };
  return {
    pixels: input('pixels', [1, parts.count, area, parts.channels]),
    times: input('times', [1, parts.count, timeWidth]),
  };
}
