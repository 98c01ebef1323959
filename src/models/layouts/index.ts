/** Names and axes of other implementations' checkpoints. */
export { dalleVae, hfBeit, unilmBeit } from './beit.js';
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
export { timmMixer } from './mlpMixer.js';
export { satMaeLayout } from './satmae.js';
export { hfBlocks, hfVit, timmBlocks, timmVit } from './vit.js';
