/**
 * Pictures. `…Figure`, charts and the report page draw plain typed arrays; `…Picture` draw what a model or a run gives.
 */

export { type AttentionOptions, attentionFigure, attentionRollout } from './attention.js';
export { type AttentionPictureOptions, attentionPicture } from './attentionPicture.js';
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
export { blues, type ColorMap, categorical, diverging, ember, mapColor, type Rgb, sequential } from './color.js';
export { accuracyOf, type ConfusionFigureOptions, confusionFigure } from './confusion.js';
export { type GalleryItem, type GalleryOptions, galleryFigure } from './gallery.js';
export { type LineChartOptions, lineChart, type Reference, type Series } from './lineChart.js';
export { type Locality, type LocalityOptions, locality, localityChance, localityScore } from './locality.js';
export {
  confusionPicture,
  curvesPicture,
  imageLocality,
  imagePositions,
  positionsPicture,
  reconstructionPicture,
} from './modelPictures.js';
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
export {
  type PositionsFigureOptions,
  positionsFigure,
  positionsToRgb,
  type SimilarityMaps,
  similarityFigure,
  similarityMaps,
} from './positions.js';
export { type ReconstructionOptions, reconstructionFigure } from './reconstruction.js';
export { type KeyFigure, type Report, type ReportSection, type ReportTable, renderReport } from './report.js';
export { type PretrainingPictures, writePretrainingPictures } from './runPictures.js';
export {
  classColors,
  iouChart,
  labelImage,
  overlayLabels,
  type SegmentationFigureOptions,
  segmentationFigure,
} from './segmentation.js';
export { Figure, writePng } from './svg.js';
