/** Point clouds and meshes: readers, sampling of surfaces, augmentation. */
export { decodePoints, POINT_FILES } from './decode.js';
export { mortonOrder } from './morton.js';
export { checkPointsOptions, type PointsOptions } from './options.js';
export { type PointSet, pointCount, pointSet } from './pointSet.js';
export { sampleSurface } from './surface.js';
export { transformPoints } from './transform.js';
