/** Signals in: data sets in their public layouts, augmentation, batches made ahead in worker threads. */
export type { ImageAugmentation } from './augment/image.js';
export { average, type MixedSignals, type MixOptions, mixBatch, mixes, partner, softLabels } from './augment/mix.js';
export { type Dataset, type OpenOptions, openData, openImages, requireClasses } from './dataset.js';
export { decodeImage, imageHeader } from './decode.js';
export { sampleOf } from './inspectExamples.js';
export {
  elementOrder,
  type KindName,
  kindOf,
  kinds,
  partialSignals,
  plainReader,
  type Reader,
  readExample,
  readerWithStatistics,
  type SignalShape,
} from './kinds/index.js';
export { type Batch, createLoader, type LeftOut, type Loader, type LoaderOptions, type SkippedFile } from './loader.js';
export { type Materialized, materialize } from './materialize.js';
export { formatNpy, type NpyArray, type NpyData, type NpyType, parseNpy, readNpy } from './npy.js';
export { resample } from './resample.js';
export { openFiles, spreadSample, withoutTargets } from './sample.js';
export { type EncodedParts, encodedParts, exampleName, type ImageShape, type RawImage, type Source } from './source.js';
export {
  type ChannelStatistics,
  channelStatistics,
  commonShape,
  defaultTransform,
  IMAGENET_STATISTICS,
  signalStatistics,
} from './statistics.js';
export { type TransformOptions, transformImage } from './transform.js';
export { type Crop, drawView, type View, type ViewOptions } from './view.js';
