/** Images in: data sets in their public layouts, augmentation, batches made ahead in worker threads. */
export { type ImageDataset, type OpenImagesOptions, openImages, requireClasses } from './dataset.js';
export { decodeImage, imageHeader } from './decode.js';
export { type Batch, createLoader, type Loader, type LoaderOptions, type SkippedFile } from './loader.js';
export { type MaterializedImages, materialize } from './materialize.js';
export { formatNpy, type NpyArray, type NpyData, type NpyType, parseNpy, readNpy } from './npy.js';
export { resample } from './resample.js';
export { openImageFiles, spreadSample } from './sample.js';
export { exampleName, type ImageShape, type ImageSource, type RawImage } from './source.js';
export {
  type ChannelStatistics,
  channelStatistics,
  commonShape,
  defaultTransform,
  IMAGENET_STATISTICS,
} from './statistics.js';
export { type TransformOptions, transformImage } from './transform.js';
export { type Crop, drawView, type View, type ViewOptions } from './view.js';
