import { writeFileAtomic } from '../checkpoint/index.js';
import { ensure } from '../errors/index.js';
import { categorical } from './color.js';
import type { RgbImage } from './picture.js';
import { pngDataUri } from './png.js';
import { fitText, textPath, textWidth, type Weight } from './text.js';

/** Colours that follow the page: fixed in a PNG, variables in a report that has a light and a dark side. */
const THEME = {
  ink: '#17202b',
  muted: '#5b6776',
  faint: '#98a2ae',
  grid: '#e3e7ec',
  paper: '#ffffff',
  accent: '#0072b2',
} as const;

/** A colour of the page by name. */
export type ThemeColor = keyof typeof THEME;
/** A theme colour by name or any SVG colour. */
export type Paint = ThemeColor | (string & {});
/** `fixed`: plain colours and a background, for files. `page`: `var(--figure-…)` and no background, inside HTML. */
export type Theme = 'fixed' | 'page';

/** How an area is drawn. */
export interface ShapeStyle {
  fill?: Paint;
  stroke?: Paint;
  strokeWidth?: number;
  opacity?: number;
  radius?: number;
}
/** How a line is drawn. */
export interface LineStyle {
  stroke?: Paint;
  strokeWidth?: number;
  dash?: string;
  opacity?: number;
}
/** How text is set. */
export interface TextStyle {
  size?: number;
  weight?: Weight;
  color?: Paint;
  anchor?: 'start' | 'middle' | 'end';
  /** Where y is: on the baseline, or at the middle of the capitals. */
  baseline?: 'alphabetic' | 'middle';
  /** Degrees, clockwise, around (x, y). */
  rotate?: number;
  /** Longer text is cut with an ellipsis. */
  maxWidth?: number;
}

/** Height of Inter's capitals in units of the font size. */
const CAP_HEIGHT = 0.727;

/**
 * A picture made of shapes, text and images, in pixels with (0, 0) at the top left. Text is stored as outlines
 * (see text.ts). Every drawing method returns the figure.
 */
export class Figure {
  private readonly parts: ((theme: Theme) => string)[] = [];

  /** `label` is what a screen reader says for the picture. */
  constructor(
    readonly width: number,
    readonly height: number,
    readonly label = '',
  ) {}

  rect(x: number, y: number, width: number, height: number, style: ShapeStyle = {}): this {
    return this.add(
      (t) =>
        `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}"${style.radius ? ` rx="${n(style.radius)}"` : ''}${shape(style, t)}/>`,
    );
  }

  circle(x: number, y: number, radius: number, style: ShapeStyle = {}): this {
    return this.add((t) => `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}"${shape(style, t)}/>`);
  }

  line(x1: number, y1: number, x2: number, y2: number, style: LineStyle = {}): this {
    return this.add((t) => `<path d="M${n(x1)} ${n(y1)}L${n(x2)} ${n(y2)}"${stroke(style, t)}/>`);
  }

  polyline(points: readonly (readonly [number, number])[], style: LineStyle = {}): this {
    if (points.length === 0) return this;
    return this.path(points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${n(x)} ${n(y)}`).join(''), {
      fill: 'none',
      ...style,
    });
  }

  /** Any SVG path data. Filled when `fill` is given, else stroked. */
  path(data: string, style: ShapeStyle & LineStyle = {}): this {
    return this.add(
      (t) => `<path d="${data}"${style.fill && style.fill !== 'none' ? shape(style, t) : stroke(style, t)}/>`,
    );
  }

  text(
    text: string,
    x: number,
    y: number,
    {
      size = 12,
      weight = 'regular',
      color = 'ink',
      anchor = 'start',
      baseline = 'alphabetic',
      rotate = 0,
      maxWidth,
    }: TextStyle = {},
  ): this {
    const shown = maxWidth === undefined ? text : fitText(text, maxWidth, size, weight);
    if (shown.trim() === '') return this;
    const left = x - (anchor === 'start' ? 0 : textWidth(shown, size, weight) * (anchor === 'middle' ? 0.5 : 1));
    const data = textPath(shown, left, baseline === 'middle' ? y + (CAP_HEIGHT * size) / 2 : y, size, weight);
    const turn = rotate === 0 ? '' : ` transform="rotate(${n(rotate)} ${n(x)} ${n(y)})"`;
    return this.add((t) => `<path d="${data}" fill="${paint(color, t)}"${turn}/>`);
  }

  /** Draws the image into the box. Enlarged pixels stay sharp squares; reduced ones are averaged. */
  image(image: RgbImage, x: number, y: number, width: number, height: number): this {
    ensure(
      image.rgb.length === image.width * image.height * 3,
      () =>
        `An RGB image of ${image.width}x${image.height} has ${image.width * image.height * 3} bytes, not ${image.rgb.length}: pass [H, W, 3].`,
    );
    const uri = pngDataUri(image);
    const sharp = width >= image.width ? ' style="image-rendering:pixelated"' : '';
    return this.add(
      () =>
        `<image href="${uri}" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" preserveAspectRatio="none"${sharp}/>`,
    );
  }

  /** Draws another figure with its top left corner at (x, y). */
  place(figure: Figure, x: number, y: number): this {
    return this.add((t) => `<g transform="translate(${n(x)} ${n(y)})">${figure.body(t)}</g>`);
  }

  /** The SVG file, or with `page` the element to put into HTML (it has no namespace address and follows the page's theme). */
  toSvg(theme: Theme = 'fixed'): string {
    const { width, height, label } = this;
    const role = ` role="img"${label ? ` aria-label="${escapeXml(label)}"` : ''}`;
    if (theme === 'page')
      return `<svg viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}"${role}>${this.body(theme)}</svg>`;
    const background = `<rect width="100%" height="100%" fill="${THEME.paper}"/>`;
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}"${role}>${background}${this.body(theme)}</svg>`;
  }

  /** The PNG file, `scale` image pixels for each pixel of the figure. */
  async toPng(scale = 2): Promise<Buffer> {
    const { default: sharp } = await import('sharp'); // on demand: most commands draw nothing and should start quickly
    const svg = Buffer.from(this.toSvg());
    return sharp(svg, { density: 72 * scale, unlimited: true, limitInputPixels: false })
      .removeAlpha()
      .png({ compressionLevel: 9 })
      .toBuffer();
  }

  private body(theme: Theme): string {
    return this.parts.map((part) => part(theme)).join('');
  }

  private add(part: (theme: Theme) => string): this {
    this.parts.push(part);
    return this;
  }
}

/**
 * Writes the figure as PNG. A reader never sees half a file: it is written beside its place and then moved there.
 * @throws HiperceiverError that names the file, where it cannot be written
 */
export async function writePng(path: string, figure: Figure, scale = 2): Promise<void> {
  await writeFileAtomic(path, await figure.toPng(scale));
}

/** `text` with the characters replaced that mean something in XML and HTML. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** CSS custom properties that `page` figures read: those of a light page, or with other colours and series colours. */
export function themeVariables(
  colors: Partial<Record<ThemeColor, string>> = {},
  series: readonly string[] = categorical,
): string {
  const named = Object.entries({ ...THEME, ...colors }).map(([name, value]) => `--figure-${name}:${value};`);
  return [...named, ...series.map((value, i) => `--figure-series-${i}:${value};`)].join('');
}

function paint(color: Paint, theme: Theme): string {
  const series = categorical.indexOf(color);
  if (series >= 0 && theme === 'page') return `var(--figure-series-${series})`;
  if (!(color in THEME)) return color;
  return theme === 'page' ? `var(--figure-${color})` : THEME[color as ThemeColor];
}

function shape(style: ShapeStyle, theme: Theme): string {
  const outline = style.stroke
    ? ` stroke="${paint(style.stroke, theme)}" stroke-width="${n(style.strokeWidth ?? 1)}"`
    : '';
  return ` fill="${paint(style.fill ?? 'none', theme)}"${outline}${style.opacity === undefined ? '' : ` opacity="${n(style.opacity)}"`}`;
}

function stroke(style: LineStyle, theme: Theme): string {
  const dash = style.dash ? ` stroke-dasharray="${style.dash}"` : '';
  const opacity = style.opacity === undefined ? '' : ` opacity="${n(style.opacity)}"`;
  return ` fill="none" stroke="${paint(style.stroke ?? 'ink', theme)}" stroke-width="${n(style.strokeWidth ?? 1)}" stroke-linejoin="round" stroke-linecap="${style.dash ? 'butt' : 'round'}"${dash}${opacity}`;
}

/** A coordinate with at most two decimals. */
function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
