/** Lists of class colours, as segmentation sets bring them along. */
import { ensure } from '../../errors/index.js';
import { printable } from '../printable.js';

/** Red, green, blue, 0 … 255. */
export type Color = readonly [number, number, number];

/** Classes with their names and colours, in the order of their numbers. */
export interface ColorList {
  names: string[];
  colors: Color[];
}

/** Names that files with class colours go by. */
export const COLOR_FILES = ['label_colors.txt', 'class_dict.csv', 'labelmap.txt', 'colors.txt'];

/**
 * Reads a list of class colours, one class per line: `64 128 64 Animal` (CamVid's label_colors.txt), `Animal,64,128,64`
 * (class_dict.csv, with a header), or `animal:64,128,64::` (the VOC export of annotation tools, labelmap.txt).
 * @throws HiperceiverError with the line that is none of these, or repeats a colour
 */
export function parseColorList(text: string, name = 'the list of colours'): ColorList {
  const list: ColorList = { names: [], colors: [] };
  const seen = new Map<string, number>();
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  lines.forEach((line, i) => {
    if (line.trim() === '' || line.trim().startsWith('#')) return;
    const match =
      /^\s*(?<r>\d{1,3})[\s,;]+(?<g>\d{1,3})[\s,;]+(?<b>\d{1,3})(?:[\s,;]+(?<name>.*?))?\s*$/.exec(line) ??
      /^\s*(?<name>[^:,;\t]+?)\s*[:,;\t]\s*(?<r>\d{1,3})[\s,;]+(?<g>\d{1,3})[\s,;]+(?<b>\d{1,3})(?:\s*[:,;].*)?$/.exec(
        line,
      );
    // The first line may name the columns.
    if (!match && list.colors.length === 0 && !/\d/.test(line)) return;
    const { r = 256, g = 256, b = 256, name: found = '' } = match?.groups ?? {};
    const color = [Number(r), Number(g), Number(b)] as const;
    ensure(
      color.every((value) => value <= 255),
      () => `Line ${i + 1} of ${name} is "${printable(line)}": write red, green and blue (0 to 255) and a class name.`,
    );
    const key = color.join(',');
    const title = unquoted(found) || `class ${list.names.length}`;
    ensure(
      !seen.has(key),
      () => `Line ${i + 1} of ${name} repeats the colour of line ${seen.get(key)}: give each class its own colour.`,
    );
    seen.set(key, i + 1);
    list.names.push(title);
    list.colors.push(color);
  });
  ensure(
    list.colors.length > 0,
    () => `${name} holds no colours: write red, green and blue and a class name per line.`,
  );
  return list;
}

function unquoted(name: string): string {
  return name.trim().replace(/^"(.*)"$/, '$1');
}
