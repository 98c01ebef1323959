/**
 * Pictures. `…Figure`, charts and the report page draw plain typed arrays; `…Picture` draw what a model or a run gives.
 */

export { type AttentionOptions, attentionFigure, attentionRollout } from './attention.js';
export { type AttentionPictureOptions, attentionPictures } from './attentionPicture.js';
export { type AugmentationOptions, type AugmentationPicture, augmentationPictures } from './augmentationPicture.js';
export { type Axis, type AxisOptions, formatNumber, makeAxis } from './axis.js';
export {
  type BandReconstructionOptions,
  type BandStretch,
  bandComposite,
  bandReconstructionFigure,
  bandStretch,
  naturalBands,
  type RgbBands,
} from './bands.js';
export { type Bar, type BarChartOptions, barChart } from './barChart.js';
export { type ClipFigureOptions, clipFigure } from './clipPicture.js';
export { blues, type ColorMap, categorical, diverging, ember, mapColor, type Rgb, sequential } from './color.js';
export { accuracyOf, type ConfusionFigureOptions, confusionFigure } from './confusion.js';
export { type GalleryItem, type GalleryOptions, galleryFigure } from './gallery.js';
export { type LineChartOptions, lineChart, type Reference, type Series } from './lineChart.js';
export { type Locality, type LocalityOptions, locality, localityChance, localityScore } from './locality.js';
export { type PrincipalComponents, principalComponents } from './pca.js';
export { imageFromMap, imageFromNormalized, type Normalization, type RgbImage } from './picture.js';
export { encodePng, pngDataUri } from './png.js';
export {
  type PointReconstructionOptions,
  type PointStyle,
  pointCloudImage,
  pointReconstructionFigure,
} from './pointCloud.js';
export type { PointCloud, PointColor } from './pointRender.js';
export { positionsToRgb } from './positionColors.js';
export {
  type LearnedPositions,
  learnedPositions,
  positionLocality,
  positionsPicture,
  writePositions,
} from './positionPictures.js';
export { positionsFigure, type SimilarityMaps, similarityFigure, similarityMaps } from './positions.js';
export type { PositionsFigureOptions } from './positionsScore.js';
export { predictedItems, predictionsFigure, segmentedFigure } from './predictionPictures.js';
export { type ReconstructionOptions, reconstructionFigure } from './reconstruction.js';
export {
  type ReconstructionPicture,
  type ReconstructionPictures,
  reconstructedBatch,
  reconstructedScene,
  reconstructionPictures,
  writeReconstructions,
} from './reconstructionPictures.js';
export { type KeyFigure, type Report, type ReportSection, type ReportTable, renderReport } from './report.js';
export { type PretrainingPictures, writePretrainingPictures } from './runPictures.js';
export { confusionPicture, curvesPicture } from './scorePictures.js';
export {
  classColors,
  iouChart,
  labelImage,
  overlayLabels,
  type SegmentationFigureOptions,
  segmentationFigure,
} from './segmentation.js';
export {
  inPlace,
  inUnits,
  type ModalityPictures,
  pasted,
  picturesOf,
  type ReconstructedExample,
  withoutHidden,
} from './signals/index.js';
export { type SoundPictureOptions, type SoundRow, soundPicture } from './soundPicture.js';
export { Figure, writePng } from './svg.js';
