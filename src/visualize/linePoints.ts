/** The points of a chart's lines: broken where there is nothing to draw, smoothed, and thinned to what can be seen. */
import type { Series } from './lineChart.js';

/** x and y, in data values or pixels. */
export type Point = readonly [number, number];

/** The points of a series with `undefined` at breaks, the x of what could not be drawn, and the moving average if asked for. */
export interface Line {
  points: (Point | undefined)[];
  broken: number[];
  average?: (Point | undefined)[];
}

/** A series as points, and its moving average where one is asked for; values that are not `usable` break it. */
export function smoothed({ x, y, smooth }: Pick<Series, 'x' | 'y' | 'smooth'>, usable: (v: number) => boolean): Line {
  const points = Array.from(y, (v, i): Point | undefined => (usable(v) ? [x[i], v] : undefined));
  const broken = Array.from(x).filter((_, i) => points[i] === undefined);
  if (!smooth) return { points, broken };
  // A centred window, cut at both ends of the run: no lag, and the last value is the mean of the last half window.
  const half = Math.max(1, Math.round((smooth * points.length) / 2));
  const sum = [0];
  const count = [0];
  points.forEach((p, i) => {
    sum.push(sum[i] + (p ? p[1] : 0));
    count.push(count[i] + (p ? 1 : 0));
  });
  const average = points.map((p, i): Point | undefined => {
    const [from, to] = [Math.max(0, i - half), Math.min(points.length, i + half + 1)];
    return p && [p[0], (sum[to] - sum[from]) / (count[to] - count[from])];
  });
  return { points, broken, average };
}

/** At most four points per pixel column (first, lowest, highest, last): looks the same, and a million steps stay a small file. */
export function thinned(points: Point[]): Point[] {
  if (points.length < 2000) return points;
  const out: Point[] = [];
  for (let i = 0; i < points.length; ) {
    const column = Math.floor(points[i][0]);
    let end = i;
    let [low, high] = [i, i];
    for (; end < points.length && Math.floor(points[end][0]) === column; end++) {
      if (points[end][1] < points[low][1]) low = end;
      if (points[end][1] > points[high][1]) high = end;
    }
    for (const j of new Set([i, low, high, end - 1].sort((a, b) => a - b))) out.push(points[j]);
    i = end;
  }
  return out;
}

/** Smallest and largest value; infinite where there is none. */
export function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}
