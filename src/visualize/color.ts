/**
 * Colours. The maps are computed in OKLab (Ottosson 2020), a space in which equal distances look equally large, and
 * are spaced by arc length there: equal steps of the value look like equal steps of the colour.
 */

/** Red, green and blue: 0 … 255, or three coordinates of another colour space where that is said. */
export type Rgb = readonly [number, number, number];

/** A colour map: 256 colours from the lowest to the highest value, `[256, 3]`. */
export type ColorMap = Uint8Array;

/** What a value that is not a number looks like: no map contains it. */
export const NOT_A_NUMBER: Rgb = [255, 0, 255];

/** Lightness, chroma and hue (degrees) of OKLab in polar form. */
type Lch = readonly [number, number, number];

/** Dark violet over teal to yellow: for magnitudes, readable without colour vision because lightness grows throughout. */
export const sequential: ColorMap = colorMap([
  [0.24, 0.13, 298],
  [0.4, 0.13, 272],
  [0.54, 0.085, 225],
  [0.68, 0.105, 172],
  [0.82, 0.16, 135],
  [0.94, 0.19, 106],
]);

/** Black over purple and orange to pale yellow: for errors and attention, where zero should vanish. */
export const ember: ColorMap = colorMap([
  [0.08, 0.02, 290],
  [0.3, 0.13, 300],
  [0.48, 0.18, 350],
  [0.64, 0.2, 30],
  [0.8, 0.16, 65],
  [0.98, 0.06, 100],
]);

/** Near-white to deep blue: for tables whose numbers are printed on top. */
export const blues: ColorMap = colorMap([
  [0.975, 0.008, 250],
  [0.84, 0.07, 250],
  [0.62, 0.14, 253],
  [0.42, 0.13, 260],
  [0.3, 0.11, 265],
]);

/** Blue over near-white to red: for signed values, with 0 at the middle. */
export const diverging: ColorMap = Uint8Array.from([
  ...colorMap(
    [
      [0.38, 0.13, 258],
      [0.62, 0.14, 253],
      [0.97, 0.005, 253],
    ],
    128,
  ),
  ...colorMap(
    [
      [0.97, 0.005, 35],
      [0.66, 0.17, 35],
      [0.42, 0.15, 27],
    ],
    128,
  ),
]);

/** Colours of series and classes: the Okabe-Ito set, told apart with every kind of colour vision. */
export const categorical: readonly string[] = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#8c6d46',
  '#7f7f7f',
];

/** The colour of `value` on the map whose ends stand for `low` and `high`; outside values are clipped, NaN is magenta. */
export function mapColor(map: ColorMap, value: number, low = 0, high = 1): Rgb {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  const share = high > low ? (value - low) / (high - low) : 0.5;
  const at = 3 * Math.round(255 * Math.min(1, Math.max(0, share)));
  return [map[at], map[at + 1], map[at + 2]];
}

/** `#rrggbb`. */
export function hex([r, g, b]: Rgb): string {
  return `#${[r, g, b].map((x) => x.toString(16).padStart(2, '0')).join('')}`;
}

/** Black or white, whichever reads better on `background` (WCAG relative luminance). */
export function readableOn(background: Rgb): string {
  const [r, g, b] = background.map(linear);
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return luminance > 0.36 ? '#17202b' : '#ffffff';
}

/** OKLab `[lightness, a, b]` of an 8-bit colour; lightness runs from 0 to 1. */
export function oklab([r, g, b]: Rgb): Rgb {
  return toOklab([r / 255, g / 255, b / 255]);
}

/** A map through the given stops, with the corners between them smoothed away and its entries equally far apart. */
function colorMap(stops: readonly Lch[], entries = 256): ColorMap {
  const fine = 2048;
  const colors: Rgb[] = [];
  const length = [0];
  for (let i = 0; i <= fine; i++) {
    colors.push(fromLch(along(stops, i / fine)));
    if (i > 0) length.push(length[i - 1] + distance(toOklab(colors[i - 1]), toOklab(colors[i])));
  }
  const map = new Uint8Array(entries * 3);
  for (let entry = 0, i = 0; entry < entries; entry++) {
    const target = (entry / (entries - 1)) * length[fine];
    while (i < fine && length[i] < target) i++;
    map.set(
      colors[i].map((x) => Math.round(255 * x)),
      entry * 3,
    );
  }
  return map;
}

/** Catmull-Rom curve through the stops, as Cartesian OKLab so that hue never jumps. */
function along(stops: readonly Lch[], share: number): Lch {
  const at = share * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  const t = at - i;
  const point = (j: number): number[] => {
    const [l, c, h] = stops[Math.min(stops.length - 1, Math.max(0, j))];
    return [l, c * Math.cos((h * Math.PI) / 180), c * Math.sin((h * Math.PI) / 180)];
  };
  const [p, q, r, s] = [point(i - 1), point(i), point(i + 1), point(i + 2)];
  const [l, a, b] = [0, 1, 2].map(
    (d) =>
      0.5 *
      (2 * q[d] +
        (r[d] - p[d]) * t +
        (2 * p[d] - 5 * q[d] + 4 * r[d] - s[d]) * t * t +
        (3 * q[d] - p[d] - 3 * r[d] + s[d]) * t ** 3),
  );
  return [l, Math.hypot(a, b), (Math.atan2(b, a) * 180) / Math.PI];
}

/** sRGB in 0 … 1; a colour that no screen shows loses chroma until one does. */
function fromLch([l, c, h]: Lch): Rgb {
  const angle = (h * Math.PI) / 180;
  const at = (chroma: number): Rgb => fromOklab([l, chroma * Math.cos(angle), chroma * Math.sin(angle)]);
  const shown = (rgb: Rgb): boolean => rgb.every((x) => x >= -1e-4 && x <= 1.0001);
  let [low, high] = [0, c];
  if (shown(at(c))) low = c;
  else
    for (let step = 0; step < 24; step++) {
      const middle = (low + high) / 2;
      if (shown(at(middle))) low = middle;
      else high = middle;
    }
  const [r, g, b] = at(low).map((x) => Math.min(1, Math.max(0, x)));
  return [r, g, b];
}

function fromOklab([lightness, a, b]: Rgb): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** OKLab of sRGB in 0 … 1. */
function toOklab(color: Rgb): Rgb {
  const [r, g, b] = color.map(undoGamma);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function linear(byte: number): number {
  return undoGamma(byte / 255);
}

function undoGamma(x: number): number {
  return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
}

function gamma(x: number): number {
  return x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055;
}

function distance(p: Rgb, q: Rgb): number {
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}
