/** Images with a label map each: a signal of pixels, and a class for every one of them. */
import { checkSegmentation, readSegmentation, type SegmentationOptions, unknownLabels } from '../labelMaps/index.js';
import { image } from './image.js';
import type { SignalKind } from './kind.js';

export const segmentation: SignalKind<SegmentationOptions> = {
  parts: { ...image.parts, labels: /\.(png|npy|tiff?)$/i },
  noun: 'labelled image',
  shapes: image.shapes,
  targets: ({ imageSize }) => imageSize[0] * imageSize[1],
  check: checkSegmentation,
  plain: (options) => {
    const { colors, ignore, ids, classes } = options;
    return { ...image.plain(options), colors, ignore, ids, classes };
  },
  statistics: image.statistics,
  withStatistics: (options, statistics) => ({ ...options, ...statistics.image }),
  async read({ parts }, options, key, slots) {
    if (!parts?.labels) throw new Error('it has no label map');
    const read = await readSegmentation(parts.image, parts.labels, options, key);
    slots.signals.image.set(read.image);
    slots.targets?.set(read.labels);
    slots.flaw = unknownLabels(read);
  },
};
