/** Point clouds and meshes: one signal of points. */
import { checkPointsOptions, decodePoints, type PointsOptions, transformPoints } from '../points/index.js';
import type { SignalKind } from './kind.js';

export const points: SignalKind<PointsOptions> = {
  parts: { points: /\.(off|ply|xyz|pts|asc|npy|npz|txt|csv)$/i },
  noun: 'point cloud',
  shapes: (options) => [{ name: 'points', indexShape: [options.points], channels: options.channels }],
  partial: ({ fill }) => (fill === 'pad' ? ['points'] : []),
  check: checkPointsOptions,
  plain: ({ points: count, channels, normalize, order, fill, mean, std }) => ({
    ...{ points: count, channels, normalize, fill, mean, std },
    order: order === 'random' ? 'stored' : order,
    augment: false,
  }),
  statistics: ({ mean = [0], std = [1] }) => ({ points: { mean: [...mean], std: [...std] } }),
  withStatistics: (options, statistics) => ({ ...options, ...statistics.points }),
  async read({ parts }, options, key, slots) {
    if (!parts) throw new Error('stored pixels are no points');
    const { signals, lengths } = slots;
    const set = await decodePoints(parts.points, 'points');
    const { values, length } = transformPoints(set, options, key);
    if (set.dropped > 0) slots.flaw = `${set.dropped} of its points lack a finite x, y or z and are left out`;
    signals.points.set(values);
    if (length < options.points) lengths.points = length;
  },
};
