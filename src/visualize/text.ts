/**
 * Strings as outlines. Pictures carry their letters as paths, so that they look the same on every machine, with fonts
 * or without. The typeface is Inter (SIL Open Font License), two weights; it covers Latin, Greek, Cyrillic, arrows and
 * the usual mathematical signs. Other scripts show the font's empty box.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type opentype from 'opentype.js';
import { ensure } from '../errors/index.js';

/** One of the typeface's two weights. */
export type Weight = 'regular' | 'bold';

const FONT_FILES: Record<Weight, string> = { regular: 'Inter-Regular.woff', bold: 'Inter-SemiBold.woff' };
const fonts = new Map<Weight, opentype.Font>();
/** The reader of fonts takes an eighth of a second to load, which no command should wait for that draws nothing. */
const require = createRequire(import.meta.url);

/** The advance width of `text` in the unit of `size` (pixels). */
export function textWidth(text: string, size: number, weight: Weight = 'regular'): number {
  let width = 0;
  for (const { end } of layOut(text, size, weight)) width = end;
  return width;
}

/** SVG path data of `text` whose baseline starts at (x, y). */
export function textPath(text: string, x: number, y: number, size: number, weight: Weight = 'regular'): string {
  let data = '';
  for (const { glyph, start } of layOut(text, size, weight)) {
    for (const c of glyph.getPath(x + start, y, size).commands) data += command(c);
  }
  return data;
}

/** One path command. opentype.js can print paths too, but writes tiny numbers in a form that SVG readers reject. */
function command(c: opentype.PathCommand): string {
  if (c.type === 'Z') return 'Z';
  if (c.type === 'Q') return `Q${point(c.x1, c.y1)} ${point(c.x, c.y)}`;
  if (c.type === 'C') return `C${point(c.x1, c.y1)} ${point(c.x2, c.y2)} ${point(c.x, c.y)}`;
  return `${c.type}${point(c.x, c.y)}`;
}

function point(x: number, y: number): string {
  return `${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100}`;
}

/** `text`, or its longest beginning that fits into `maxWidth` pixels with an ellipsis. */
export function fitText(text: string, maxWidth: number, size: number, weight: Weight = 'regular'): string {
  if (textWidth(text, size, weight) <= maxWidth) return text;
  const letters = [...text];
  while (letters.length > 0) {
    letters.pop();
    const cut = `${letters.join('').trimEnd()}…`;
    if (textWidth(cut, size, weight) <= maxWidth) return cut;
  }
  return '';
}

/** Breaks `text` at spaces into lines no wider than `maxWidth` pixels; a longer single word stands alone. */
export function wrapText(text: string, maxWidth: number, size: number, weight: Weight = 'regular'): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(longer, size, weight) > maxWidth) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  if (line !== '') lines.push(line);
  return lines;
}

/** The bytes of the font file, for pages that embed it. */
export function fontBytes(weight: Weight): Buffer {
  return readFileSync(fontPath(weight));
}

/**
 * Glyphs with their start and end along the baseline. Letters are set one by one with pair kerning, without the font's
 * substitution rules: opentype.js rejects some of Inter's contextual ones, and labels need none.
 */
function* layOut(
  text: string,
  size: number,
  weight: Weight,
): Generator<{ glyph: opentype.Glyph; start: number; end: number }> {
  const font = loadFont(weight);
  const scale = size / font.unitsPerEm;
  let at = 0;
  let previous: opentype.Glyph | undefined;
  for (const letter of text) {
    const glyph = font.charToGlyph(letter);
    if (previous) at += font.getKerningValue(previous, glyph) * scale;
    const end = at + (glyph.advanceWidth ?? 0) * scale;
    yield { glyph, start: at, end };
    at = end;
    previous = glyph;
  }
}

function loadFont(weight: Weight): opentype.Font {
  let font = fonts.get(weight);
  if (!font) {
    const bytes = fontBytes(weight);
    const { parse } = require('opentype.js') as typeof opentype;
    font = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer);
    fonts.set(weight, font);
  }
  return font;
}

/** Looks for `assets/fonts` upwards from this module: it runs from `src/`, from `dist/src/` and from an installed package. */
function fontPath(weight: Weight): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; ; folder = dirname(folder)) {
    const path = join(folder, 'assets', 'fonts', FONT_FILES[weight]);
    if (existsSync(path)) return path;
    ensure(
      dirname(folder) !== folder,
      () => `Cannot find assets/fonts/${FONT_FILES[weight]} above ${here}: reinstall the package.`,
    );
  }
}
