/** Motion of every pixel between two frames (arXiv 2107.14795, section 4.2): the queries are the inputs themselves. */
import type { Tensor } from '../../graph/index.js';
import type { Scope } from '../../nn/index.js';
import { type DecoderConfig, decode } from './decoders.js';
import { type EncoderConfig, encode } from './encoder.js';
import { type ImagePreprocessor, preprocessImages } from './images.js';

/** A model of optical flow. */
export interface OpticalFlowConfig {
  /** Of the neighbourhoods: both frames in one patch, projected. */
  preprocessor: ImagePreprocessor;
  encoder: EncoderConfig;
  decoder: DecoderConfig;
  /** Outputs are divided by this. */
  rescale: number;
  /** And multiplied by this, so that they count pixels. */
  flowScale: number;
}

/** Neighbourhoods of two frames `[B, 2, H, W, 27]` (see `neighbourhoods`) → flow `[B, H, W, 2]`. */
export function perceiverOpticalFlow(scope: Scope, config: OpticalFlowConfig, frames: Tensor): Tensor {
  const { inputs, indexShape } = preprocessImages(scope.child('preprocessor'), frames, config.preprocessor);
  const latents = encode(scope.child('encoder'), inputs, config.encoder);
  const flow = decode(scope.child('decoder'), inputs, latents, config.decoder);
  return flow.mul(config.flowScale / config.rescale).reshape([frames.shape[0], ...indexShape, flow.shape[2]]);
}
