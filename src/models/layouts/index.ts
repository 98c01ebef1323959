/** Names and axes of other implementations' checkpoints. */
export { dalleVae, hfBeit, unilmBeit } from './beit.js';
export { fastMimSwin, fastMimVit } from './fastmim.js';
export {
  type FromLayout,
  fromLayout,
  type Layout,
  type LayoutRule,
  type LayoutTensor,
  type NamedShape,
  type StoredAs,
  storedAs,
  toLayout,
} from './layout.js';
export { hfMae, originalMae } from './mae.js';
export { timmMixer } from './mlpMixer.js';
export {
  type DeepMindParts,
  deepMindPerceiver,
  hfPerceiver,
  iteratedPerceiver,
  perceiverPytorch,
} from './perceiver.js';
export { satMaeLayout } from './satmae.js';
export { swinLayout } from './swin.js';
export { hfBlocks, hfVit, timmBlocks, timmVit } from './vit.js';
