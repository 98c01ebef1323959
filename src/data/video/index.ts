/** Video: files to frames and their sound as model inputs, and clips to files. */
export { formatAnimation } from './animation.js';
export type { Clip } from './clip.js';
export { type CompactOptions, compactVideo } from './compact.js';
export { formatStoredClip, isStoredClip, readStoredClip, storedClipHeader } from './storedClip.js';
export {
  type ClipInput,
  type ClipOptions,
  type ClipSoundOptions,
  checkClipOptions,
  drawStart,
  readClip,
} from './transform.js';
export { type WriteClipOptions, writeClip } from './write.js';
