/** Points as a table in a text file: xyz, txt, csv, pts, asc. */
import { ensure } from '../../errors/index.js';
import { parseNumber, quoted, textOf } from './lines.js';
import { type PointSet, pointSet } from './pointSet.js';

const COMMENT = /^(?:#|\/\/|%|!|;)/;

/**
 * Reads one point per line: numbers between blanks, commas, semicolons or tabs, at least x, y and z. A first line of words
 * names the columns (x, y and z among them come first then); a first line of one number is the count of points (pts).
 * Empty lines and lines that begin as comments (`#`, `//`, `%`, `!`) are passed over; one before the table that names as
 * many columns as the table has counts as its header.
 * @throws HiperceiverError with a short reason that names the line
 */
export function readTable(bytes: Uint8Array): PointSet {
  const text = textOf(bytes);
  const values = new GrowingFloats();
  let columns: string[] | undefined;
  let headed = false;
  let channels = 0;
  let line = 0;
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    line++;
    const content = text.slice(start, end).trim();
    start = end + 1;
    if (content === '') continue;
    if (COMMENT.test(content)) {
      if (channels === 0) columns = headerOf(cells(content.replace(/^[^\w"']+/, '')), true) ?? columns;
      continue;
    }
    const words = cells(content);
    if (channels === 0) {
      const header = headerOf(words, false);
      if (header && !headed) {
        headed = true;
        columns = header;
        continue;
      }
      if (words.length === 1 && /^\d+$/.test(words[0])) continue;
      channels = words.length;
      ensure(channels >= 3, () => `line ${line} has ${channels} columns where x, y and z are needed`);
    }
    ensure(words.length === channels, () => `line ${line} has ${words.length} columns where the first has ${channels}`);
    for (const word of words) {
      const value = parseNumber(word);
      ensure(value !== undefined, () => `line ${line} holds ${quoted(word)}, no number`);
      values.push(value);
    }
  }
  ensure(channels > 0, () => 'it holds no points');
  return pointSet(values.taken(), channels, { columns: columns?.length === channels ? columns : undefined });
}

/** The cells of a line; only where a comma, semicolon or tab parts them may one be empty. */
function cells(line: string): string[] {
  const separator = line.includes(',') ? ',' : line.includes(';') ? ';' : undefined;
  if (separator) {
    const words = line.split(separator).map((word) =>
      word
        .trim()
        .replace(/^("|')(.*)\1$/, '$2')
        .trim(),
    );
    if (words.length > 3 && words[words.length - 1] === '') words.pop(); // a separator at the end of the line
    return words;
  }
  return line.split(/\s+/);
}

/** Names of columns: at least three words, none of them a number; those of a comment must have x, y and z among them. */
function headerOf(words: readonly string[], comment: boolean): string[] | undefined {
  const names = words.map((word) =>
    word
      .replace(/^["']|["']$/g, '')
      .trim()
      .toLowerCase(),
  );
  if (names.length < 3 || names.some((name) => name === '' || parseNumber(name) !== undefined)) return undefined;
  return !comment || ['x', 'y', 'z'].every((axis) => names.includes(axis)) ? names : undefined;
}

/** Floats of unknown number: grows by half. */
class GrowingFloats {
  private data = new Float32Array(4096);
  private size = 0;

  push(value: number): void {
    if (this.size === this.data.length) {
      const larger = new Float32Array(Math.ceil(this.size * 1.5));
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.size++] = value;
  }

  taken(): Float32Array {
    return this.data.subarray(0, this.size);
  }
}
