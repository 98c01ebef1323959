/** How point sets become inputs of fixed size. */
import { ensure } from '../../errors/index.js';

/** What is drawn of a point set, and how it is changed; the defaults change nothing but size and place. */
export interface PointsOptions {
  /** Rows of the result. */
  points: number;
  /** Channels of the result: the first of each point, x, y and z at least. */
  channels: number;
  /** `unitSphere` (default): the mean at the origin, the farthest point at distance 1. `none`: as stored. */
  normalize?: 'unitSphere' | 'none';
  /**
   * `stored`: as in the file. `morton` (default): neighbours in space next to each other, so that groups of rows are pieces
   * of space. `random`: anew for each key.
   */
  order?: 'stored' | 'morton' | 'random';
  /** Where there are fewer points than rows: `repeat` them (default), or `pad` with zeros beyond `length`. */
  fill?: 'repeat' | 'pad';
  /** Whether anything below, and which points are chosen, depends on the key. Default true. */
  augment?: boolean;
  /** A random turn about the upright axis (`z`), any rotation (`all`), or `none` (default). Normals turn along. */
  rotate?: 'none' | 'z' | 'all';
  /** A random factor for each example, uniform between the two. Default [1, 1]; PointNet++ takes [0.8, 1.25]. */
  scale?: readonly [number, number];
  /** A random move along each axis of up to so much, in units after `normalize`. Default 0; PointNet++ takes 0.1. */
  shift?: number;
  /** Deviation of the noise on x, y and z, cut at five deviations. Default 0; PointNet++ takes 0.01. */
  jitter?: number;
  /** The greatest share of points left out, itself uniform from 0. Default 0; PointNet++ takes 0.875. */
  dropout?: number;
  /** Subtracted from each channel after all that; one number or one per channel. Default 0. */
  mean?: readonly number[];
  /** Divided by; one number or one per channel. Default 1. */
  std?: readonly number[];
}

const CHOICES = {
  normalize: ['unitSphere', 'none'],
  order: ['stored', 'morton', 'random'],
  fill: ['repeat', 'pad'],
  rotate: ['none', 'z', 'all'],
} as const;

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkPointsOptions(options: PointsOptions): void {
  const { points, channels, scale = [1, 1], shift = 0, jitter = 0, dropout = 0, mean = [0], std = [1] } = options;
  ensure(
    Number.isInteger(points) && points > 0,
    () => `points is ${points}: give a whole number above 0, such as 1024.`,
  );
  ensure(
    Number.isInteger(channels) && channels >= 3,
    () => `channels is ${channels}: give 3 for x, y and z, or more for what is measured there.`,
  );
  for (const [name, choices] of Object.entries(CHOICES)) {
    const chosen = options[name as keyof typeof CHOICES];
    ensure(
      chosen === undefined || (choices as readonly string[]).includes(chosen),
      () => `${name} is "${chosen}": choose one of ${choices.join(', ')}.`,
    );
  }
  ensure(
    scale.length === 2 && scale[0] > 0 && scale[0] <= scale[1] && Number.isFinite(scale[1]),
    () => `scale is [${scale}]: give the least and the greatest factor, such as [0.8, 1.25].`,
  );
  for (const [name, value] of [
    ['shift', shift],
    ['jitter', jitter],
  ] as const)
    ensure(Number.isFinite(value) && value >= 0, () => `${name} is ${value}: give a finite number, 0 for none.`);
  ensure(dropout >= 0 && dropout < 1, () => `dropout is ${dropout}: give a share of the points, 0 <= dropout < 1.`);
  for (const [name, values] of [
    ['mean', mean],
    ['std', std],
  ] as const) {
    ensure(
      values.length === channels || values.length === 1,
      () => `${name} has ${values.length} numbers for ${channels} channels: give one per channel.`,
    );
    ensure(
      values.every((value) => Number.isFinite(value) && (name === 'mean' || value > 0)),
      () => `${name} is [${values}]: give finite numbers${name === 'std' ? ' above 0' : ''}.`,
    );
  }
}
