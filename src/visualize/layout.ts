import { formatNumber } from './axis.js';
import type { ColorMap } from './color.js';
import type { Figure } from './svg.js';
import { textWidth, wrapText } from './text.js';

/** Space between a figure's edge and what it shows, in pixels. */
export const MARGIN = 20;

/** Draws title and subtitle at the top left; the y below them. */
export function drawTitles(figure: Figure, title: string, subtitle: string): number {
  let y = 14;
  if (title) figure.text(title, MARGIN, (y += 18), { size: 16, weight: 'bold', maxWidth: figure.width - 2 * MARGIN });
  if (title && subtitle) y += 3;
  if (subtitle)
    for (const line of wrapText(subtitle, figure.width - 2 * MARGIN, 12))
      figure.text(line, MARGIN, (y += 17), { size: 12, color: 'muted' });
  return y;
}

/** The y that {@link drawTitles} will return for a figure of this width. */
export function titlesHeight(width: number, title: string, subtitle: string): number {
  const lines = title || subtitle ? wrapText(subtitle, width - 2 * MARGIN, 12).length : 0;
  return 14 + (title ? 18 : 0) + (title && lines > 0 ? 3 : 0) + 17 * lines;
}

/** A horizontal colour bar with its two end values and a name, `width` pixels from x; its colours are 8 pixels high at y. */
export function drawColorBar(
  figure: Figure,
  map: ColorMap,
  low: number,
  high: number,
  x: number,
  y: number,
  width: number,
  name: string,
): void {
  const [lowText, highText] = [formatNumber(low, 2), formatNumber(high, 2)];
  let at = x;
  if (name) {
    figure.text(name, at, y + 4, { size: 11, color: 'muted', baseline: 'middle' });
    at += textWidth(name, 11) + 10;
  }
  figure.text(lowText, at, y + 4, { size: 11, color: 'muted', baseline: 'middle' });
  at += textWidth(lowText, 11) + 6;
  const end = x + width - textWidth(highText, 11) - 6;
  figure.image({ width: map.length / 3, height: 1, rgb: map }, at, y, Math.max(24, end - at), 8);
  figure.text(highText, Math.max(24 + at, end) + 6, y + 4, { size: 11, color: 'muted', baseline: 'middle' });
}
