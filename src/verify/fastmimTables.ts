/** Golden table of FastMIM: how many parameters its named sizes have. */
import { HiperceiverError } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import { blockGrid, type FastMimConfig, fastMim } from '../models/fastmim.js';
import { fastMimAt, fastMimVariants, swinVariants } from '../models/fastmimVariants.js';
import { swin, swinClassifier } from '../models/swin.js';
import { vit } from '../models/vit.js';
import { Scope } from '../nn/index.js';
import { pairOf } from './images.js';
import { countRow } from './parameterRows.js';

const COLOURS = 3;

/**
 * Parameters of a size by the reference's names: `mim_swin_base (128px, window 4, dec 256x4, HOG)`, `mim_swin_large encoder only
 * (window 4)`, `fine-tune swin_base_patch4_window7_224 (1000 classes)`.
 */
export function countFastMim(row: string): number {
  const match = /^(fine-tune )?(?:mim_)?(vit|swin)_(base|large)/.exec(row);
  const [, isClassifier, encoder, size] = match ?? [];
  const variant = encoder === 'vit' ? (size === 'base' ? 'B16' : '') : `swin-${size}`;
  if (!Object.hasOwn(fastMimVariants, variant)) throw new HiperceiverError(`no size of FastMIM is called "${row}"`);
  const scope = Scope.root();
  if (isClassifier) buildClassifier(scope, variant, size, row);
  else build(scope, settled(fastMimVariants[variant], row), row.includes('encoder only'));
  return countRow(row, scope.needs);
}

/** What a row says of image, window, decoder and target. */
function settled(variant: FastMimConfig, row: string): FastMimConfig {
  const told = (pattern: RegExp) => pattern.exec(row)?.slice(1).map(Number);
  const [pixels] = told(/(\d+)px/) ?? [variant.size[0]];
  const config = fastMimAt(variant, pairOf(pixels));
  const [width, depth] = told(/dec (\d+)x(\d+)/) ?? [config.decoder.width, config.decoder.depth];
  const [window] = told(/window (\d+)/) ?? [];
  const { encoder } = config;
  return {
    ...config,
    encoder: encoder.kind === 'swin' && window ? { kind: 'swin', swin: { ...encoder.swin, window } } : encoder,
    decoder: { ...config.decoder, width, depth, mlpWidth: 4 * width },
    target: /\bl2\b/.test(row) ? 'pixels' : 'hog',
  };
}

function build(scope: Scope, config: FastMimConfig, encoderAlone: boolean): void {
  const pixels = pixelsOf(config.size);
  if (encoderAlone && config.encoder.kind === 'swin') swin(scope, config.encoder.swin, pixels);
  else fastMim(scope, config, pixels, input('masked', [1, ...blockGrid(config)]));
}

function buildClassifier(scope: Scope, variant: string, size: string, row: string): void {
  const classes = Number(/(\d+) classes/.exec(row)?.[1] ?? 1000);
  const { encoder } = fastMimVariants[variant];
  if (encoder.kind === 'vit') {
    const pooling = row.includes('global_pool') ? ('average' as const) : ('token' as const);
    const head = { pooling, normAfterPooling: pooling === 'average', pooler: false, classes };
    vit(scope, { ...encoder.vit, ...head }, pixelsOf([224, 224]), [224, 224]);
    return;
  }
  const [, window, pixels] = /window(\d+)_(\d+)/.exec(row)?.map(Number) ?? [0, 7, 224];
  const config = { ...swinVariants[size], window, size: pairOf(pixels) };
  swinClassifier(scope, swin(scope, config, pixelsOf(config.size)).output, classes);
}

function pixelsOf([height, width]: readonly [number, number]): Tensor {
  return input('pixels', [1, height * width, COLOURS]);
}
