import { visibleLength } from './style.js';

/** A cell: whole numbers are shown in full, others with six digits; an absent value is shown as a dash. */
export type Cell = string | number | boolean | undefined | null;

/**
 * Rows as aligned text, two spaces between columns and no trailing spaces. Columns whose every value is a number (or a
 * number with a unit, such as `12.5 MB`) stand right, others left.
 *
 * @param header titles of the columns; left out for a table without any
 */
export function formatTable(rows: readonly (readonly Cell[])[], header?: readonly string[]): string {
  const body = rows.map((row) => row.map(cellText));
  const all = header ? [[...header], ...body] : body;
  const columns = Math.max(0, ...all.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...all.map((row) => visibleLength(row[c] ?? ''))));
  const right = widths.map((_, c) => rows.length > 0 && rows.every((row) => isQuantity(row[c])));
  return all
    .map((row) => widths.map((width, c) => pad(row[c] ?? '', width, right[c])).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

function cellText(value: Cell): string {
  if (value === undefined || value === null) return '–';
  if (typeof value !== 'number') return String(value);
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(Number(value.toPrecision(6)));
}

/** Whether a value stands right: a number, a text that starts with one and ends in at most a unit, or nothing. */
function isQuantity(value: Cell): boolean {
  if (value === undefined || value === null || typeof value === 'number') return true;
  return (
    typeof value === 'string' && /^[-+±]?\d[\d,._]*(e[-+]?\d+)?\s?(%|[kKMGTm]?i?[A-Za-z]{0,5}(\/[a-z]+)?)?$/.test(value)
  );
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - visibleLength(text)));
  return right ? space + text : text + space;
}
