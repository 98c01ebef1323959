/** Multi-band rasters (satellite imagery): readers, tiles, augmentation. */
export type { BandLayout } from './arrays.js';
export { type BandData, type BandStack, cutBands } from './bandStack.js';
export { BAND_FILES, decodeBands } from './decode.js';
export { type BandsOptions, bandsWanted, checkBandsOptions } from './options.js';
export { type SceneTile, sceneTiles } from './scene.js';
export { transformBandsWithLabels } from './segmentation.js';
export { drawSymmetry, type Symmetry } from './symmetry.js';
export { type BandTile, tileBands, tileWindows } from './tiles.js';
export { type BandView, drawBandView, transformBands } from './transform.js';
