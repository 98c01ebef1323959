/** A point cloud as a picture: small shaded balls under mild perspective, near ones over far ones. */
import { ensure } from '../errors/index.js';
import { mapColor, NOT_A_NUMBER, type Rgb, sequential } from './color.js';
import { percentile, type RgbImage } from './picture.js';

/** Points with their channels. */
export interface PointCloud {
  /** `[N, channels]`: x, y, z first, z up. */
  points: ArrayLike<number>;
  channels: number;
}

/** What shows the value of each point: a channel through a colour map, three channels as red, green, blue, or one colour. */
export type PointColor = number | readonly [red: number, green: number, blue: number] | { rgb: Rgb };

/** Where the camera stands and what it looks at. */
export interface PointScene {
  /** Degrees from the x axis around z; default 35. */
  azimuth: number;
  /** Degrees above the horizon; default 22. */
  elevation: number;
  /** What stands in the middle. */
  centre: readonly [number, number, number];
  /** What just fits, from the centre. */
  radius: number;
}

const BACKGROUND: Rgb = [246, 247, 249];
/** The camera's distance in radii of the scene: far enough that parallels hardly meet. */
const DISTANCE = 5;
/** How much of its colour the farthest point loses to the background. */
const FOG = 0.55;

/** The scene that holds the finite points: 2 % of the farthest are allowed out of the picture. */
export function sceneOf(
  { points, channels }: PointCloud,
  view: { azimuth?: number; elevation?: number } = {},
): PointScene {
  const { azimuth = 35, elevation = 22 } = view;
  const axis = (c: number) =>
    Float64Array.from({ length: points.length / channels }, (_, i) => points[i * channels + c]);
  const [x, y, z] = [axis(0), axis(1), axis(2)];
  const middle = (values: Float64Array) => (percentile(values, 0.01) + percentile(values, 0.99)) / 2 || 0;
  const centre = [middle(x), middle(y), middle(z)] as const;
  const distances = x.map((_, i) => Math.hypot(x[i] - centre[0], y[i] - centre[1], z[i] - centre[2]));
  return { azimuth, elevation, centre, radius: percentile(distances, 0.98) || 1 };
}

/** The values between which a channel's colours run: its 2nd and 98th percentile. */
export function colorRange({ points, channels }: PointCloud, channel: number): readonly [number, number] {
  const values = Float64Array.from({ length: points.length / channels }, (_, i) => points[i * channels + channel]);
  return [percentile(values, 0.02), percentile(values, 0.98)];
}

/** A layer of points of one kind of colour. */
export interface PointLayer extends PointCloud {
  color: PointColor;
  /** The ends of the colour map; default those of this cloud. */
  range?: readonly [number, number];
}

/** One point on the picture. */
interface Ball {
  x: number;
  y: number;
  /** 0 nearest … 1 farthest. */
  depth: number;
  rgb: Rgb;
}

/**
 * A square picture of `size` pixels of one or more layers of points in one scene. Points that are not finite are left out.
 * Balls are as large as suits `count` points; default: those that are given.
 */
export function renderPoints(
  layers: readonly PointLayer[],
  scene: PointScene,
  { size = 352, count }: { size?: number; count?: number } = {},
): RgbImage {
  const balls = layers.flatMap((layer) => project(layer, scene, size)).sort((a, b) => b.depth - a.depth);
  const rgb = new Uint8Array(size * size * 3);
  for (let p = 0; p < size * size; p++) rgb.set(BACKGROUND, 3 * p);
  // Fewer points are drawn larger, so that surfaces look closed.
  const ball = Math.min(size / 40, Math.max(size / 220, (0.42 * size) / Math.sqrt(Math.max(1, count ?? balls.length))));
  for (const { x, y, depth, rgb: color } of balls) {
    const radius = ball * (1.15 - 0.4 * depth);
    const fog = FOG * depth * depth;
    for (let py = Math.max(0, Math.ceil(y - radius)); py <= Math.min(size - 1, y + radius); py++) {
      for (let px = Math.max(0, Math.ceil(x - radius)); px <= Math.min(size - 1, x + radius); px++) {
        const away = ((px - x) ** 2 + (py - y) ** 2) / radius ** 2;
        if (away > 1) continue;
        // Lambert's law on a ball lit from the upper left.
        const light = 0.62 + 0.38 * Math.max(0, Math.sqrt(1 - away) - (0.35 * (px - x + py - y)) / radius);
        const at = 3 * (py * size + px);
        for (let c = 0; c < 3; c++)
          rgb[at + c] = Math.min(255, Math.round(color[c] * light * (1 - fog) + BACKGROUND[c] * fog));
      }
    }
  }
  return { width: size, height: size, rgb };
}

function project(layer: PointLayer, { azimuth, elevation, centre, radius }: PointScene, size: number): Ball[] {
  const { points, channels, color } = layer;
  ensure(
    channels >= 3 && points.length % channels === 0,
    () => `${points.length} numbers are no points of ${channels} channels: pass [N, channels], x, y and z first.`,
  );
  const [a, e] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
  const range = layer.range ?? (typeof color === 'number' ? colorRange(layer, color) : [0, 1]);
  const balls: Ball[] = [];
  for (let p = 0; p < points.length; p += channels) {
    const [x, y, z] = [0, 1, 2].map((c) => (points[p + c] - centre[c]) / radius);
    if (!Number.isFinite(x + y + z)) continue;
    // Right, up and towards the camera.
    const right = -Math.sin(a) * x + Math.cos(a) * y;
    const ahead = Math.cos(a) * x + Math.sin(a) * y;
    const up = Math.cos(e) * z - Math.sin(e) * ahead;
    const near = Math.sin(e) * z + Math.cos(e) * ahead;
    if (near > DISTANCE - 1) continue;
    // The ball around the scene just fills the picture.
    const scale = (0.44 * size * Math.sqrt(DISTANCE ** 2 - 1)) / (DISTANCE - near);
    const depth = Math.min(1, Math.max(0, (1 - near) / 2));
    balls.push({ x: size / 2 + right * scale, y: size / 2 - up * scale, depth, rgb: colorOf(layer, p, range) });
  }
  return balls;
}

function colorOf({ points, color }: PointLayer, p: number, [low, high]: readonly [number, number]): Rgb {
  if (typeof color === 'number') return mapColor(sequential, points[p + color], low, high);
  if ('rgb' in color) return color.rgb;
  const [r, g, b] = color.map((c) => Math.round(255 * Math.min(1, Math.max(0, points[p + c]))));
  return Number.isNaN(r + g + b) ? NOT_A_NUMBER : [r, g, b];
}
