/** Golden cases of FastMIM: histograms of oriented gradients, and pre-training of vision and Swin transformers. */
import type { Engine } from '../engine/index.js';
import { ensure } from '../errors/index.js';
import { input, type Tensor } from '../graph/index.js';
import { blockGrid, FASTMIM_HOG, type FastMimConfig, fastMim, fastMimGrid } from '../models/fastmim.js';
import { fastMimSwin, fastMimVit } from '../models/layouts/index.js';
import { fastMimOfOriginal } from '../models/published/fastmim.js';
import { type SwinConfig, shiftMask, stageGrid, windowOf } from '../models/swin.js';
import { relativePositionIndex, Scope } from '../nn/index.js';
import { hog, maskedHogLoss, maskedPixelLoss, maskFromOrder, numKept, orderByNoise } from '../objectives/index.js';
import type { Comparison } from './comparison.js';
import { floatsOf, type GoldenCase } from './goldenCase.js';
import { pixelsOf } from './images.js';
import { compareModel } from './referenceModel.js';
import { CaseInputs, runGraph } from './runGraph.js';

/** Width of a token in the reference's Swin transformer, by which it repeats the mask, whatever `patch_size` is. */
const SWIN_TOKEN = 32;

/** Runs a case of FastMIM. */
export async function verifyFastMim(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  if (golden.config.nbins !== undefined) return verifyHog(golden, comparison, engine);
  const config = fastMimOfOriginal(golden.config);
  const { encoder } = config;
  const inputs = new CaseInputs(golden);
  const { pixels, size } = pixelsOf(inputs.of('images'));
  const masked = blockMask(golden, config);
  const batch = pixels.shape[0];
  inputs.feeds.masked = masked;
  const blocks = input('masked', [batch, ...blockGrid(config)]);
  const scope = Scope.root();
  const { encoded, prediction } = fastMim(scope, config, pixels, blocks);
  const lossMask = repeated(blocks, Math.max(1, Math.floor(config.block / maskedToken(config))));
  const target = { size, grid: fastMimGrid(config), normalize: Boolean(golden.config.norm_pix_loss) };
  const loss =
    config.target === 'hog'
      ? maskedHogLoss(prediction, pixels, lossMask, { ...target, ...FASTMIM_HOG })
      : maskedPixelLoss(prediction, pixels, lossMask, target);
  const layout = encoder.kind === 'vit' ? fastMimVit(encoder.vit.patch) : fastMimSwin(encoder.swin.patch);
  const own = encoder.kind === 'vit' ? golden : withoutBuffers(golden, comparison, encoder.swin);
  await compareModel(own, comparison, engine, { needs: scope.needs, layout }, inputs, {
    latent: encoded,
    encoded,
    pred: prediction,
    loss,
    pixelMask: asMap(blocks),
    lossMask: asMap(lossMask),
  });
}

/** The blocks that are hidden, `[B, blocks]`, 1 = hidden: those with the largest noise. */
function blockMask(golden: GoldenCase, config: FastMimConfig): Float32Array {
  const [rows, columns] = blockGrid(config);
  const count = rows * columns;
  const order = orderByNoise(floatsOf(golden, 'input.noise'), count);
  return maskFromOrder(order, count, numKept(count, golden.config.mask_ratio ?? defaultRatio(config), 0)).mask;
}

function defaultRatio({ encoder }: FastMimConfig): number {
  return encoder.kind === 'vit' ? 0.75 : 0.25;
}

/** Width of the tokens that the reference repeats the mask for. */
function maskedToken({ encoder, token }: FastMimConfig): number {
  return encoder.kind === 'vit' ? token : SWIN_TOKEN;
}

/** Each element of `[B, rows, columns]` as `times` x `times` of them. */
function repeated(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [batch, rows, columns] = x.shape;
  return x
    .reshape([batch, rows, 1, columns, 1])
    .expand([batch, rows, times, columns, times])
    .reshape([batch, rows * times, columns * times]);
}

/** `[B, rows, columns]` as the reference has it, `[B, 1, rows, columns]`. */
function asMap(x: Tensor): Tensor {
  return x.reshape([x.shape[0], 1, ...x.shape.slice(1)]);
}

/** The case without the buffers that the reference keeps with its weights, which are compared with what is computed here. */
function withoutBuffers(golden: GoldenCase, comparison: Comparison, config: SwinConfig): GoldenCase {
  const weights = new Map(golden.weights);
  for (const [name, { data }] of golden.weights ?? []) {
    const buffer = /layers\.(\d+)\.blocks\.\d+\.(attn\.relative_position_index|attn_mask)$/.exec(name);
    if (!buffer) continue;
    weights.delete(name);
    const grid = stageGrid(config, Number(buffer[1]));
    const window = windowOf(grid, config);
    const got =
      buffer[2] === 'attn_mask'
        ? shiftMask(grid, window)
        : relativePositionIndex([window.width, window.width], { classToken: false });
    comparison.expectValues(name, got, Array.from(data as ArrayLike<number>, Number), { rtol: 0, atol: 0 });
  }
  return { ...golden, weights };
}

/** Histograms alone. */
async function verifyHog(golden: GoldenCase, comparison: Comparison, engine: Engine): Promise<void> {
  const { nbins: bins, pool: cell, norm_pix_loss: normalize = true, gaussian_window: window = 0 } = golden.config;
  const inputs = new CaseInputs(golden);
  const got = { hog: hog(inputs.of('images'), { bins, cell: cell ?? 8, normalize, window }) };
  ensure(comparison.wants('output.hog'), () => 'the case has settings of histograms, but expects no output.hog');
  const { hog: values } = await runGraph(engine, got, inputs.feeds);
  comparison.expect('output.hog', values, { shape: got.hog.shape });
}
