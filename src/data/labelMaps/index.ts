/** Label maps: a class for each pixel, by palette index, number or colour, aligned with an image. */
export { COLOR_FILES, type Color, type ColorList, parseColorList } from './colors.js';
export { decodeLabelMap, LABEL_MAP_FILES, type LabelMapOptions } from './decode.js';
export { cutLabels, type LabelMap } from './labelMap.js';
export { type PngSamples, readPng } from './png.js';
export { checkSegmentation, readSegmentation, type SegmentationOptions } from './segmentation.js';
export { alignedView, checkLabelOptions, type LabelOptions, unknownLabels } from './view.js';
