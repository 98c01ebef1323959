/** Results as text for the terminal, as Markdown and as JSON. */
import { join } from 'node:path';
import { writeFileAtomic } from '../src/checkpoint/index.js';
import { type Cell, formatTable } from '../src/cli/table.js';
import { type Machine, machineLine } from './machine.js';

/** One table of a result. */
export interface ResultTable {
  title?: string;
  columns: string[];
  rows: Cell[][];
}

/** Something that the measurement should show, and whether it does. */
export interface Check {
  what: string;
  wanted: string;
  measured: string;
  passed: boolean;
}

/** What a benchmark found. */
export interface Result {
  tables: ResultTable[];
  checks: Check[];
  /** What one must know to read the tables: peers that were missing, how memory was taken. */
  notes: string[];
  /** Everything measured, every single run included, for those who want to look closer. */
  data: unknown;
}

/** A result and how it came about. */
export interface Report {
  name: string;
  summary: string;
  /** The command line that made it. */
  command: string;
  machine: Machine;
  /** Duration of the whole measurement. */
  seconds: number;
  result: Result;
}

/** A check that a number is at least, or at most, so much. `format` shows numbers. */
export function check(
  what: string,
  value: number,
  limit: { atLeast: number } | { atMost: number },
  format: (value: number) => string = ratio,
): Check {
  const [sign, bound, passed] =
    'atLeast' in limit
      ? (['≥', limit.atLeast, value >= limit.atLeast] as const)
      : (['≤', limit.atMost, value <= limit.atMost] as const);
  return { what, wanted: `${sign} ${format(bound)}`, measured: format(value), passed };
}

/** The report as people read it on a terminal. */
export function reportText({ machine, seconds, result }: Report): string {
  const parts = result.tables.map(({ title, columns, rows }) =>
    [...(title ? [title] : []), formatTable(rows, columns)].join('\n'),
  );
  if (result.checks.length > 0) parts.push(formatTable(checkRows(result.checks), CHECK_COLUMNS));
  parts.push([...result.notes, machineLine(machine), `${seconds.toFixed(0)} s in all.`].join('\n'));
  return parts.join('\n\n');
}

/** The report as a Markdown page. */
export function reportMarkdown({ name, summary, command, machine, seconds, result }: Report): string {
  const parts = [`# ${name}`, `${summary}.`, `\`${command}\`, ${seconds.toFixed(0)} s`];
  for (const { title, columns, rows } of result.tables)
    parts.push([...(title ? [`## ${title}`, ''] : []), markdownTable(columns, rows)].join('\n'));
  if (result.checks.length > 0)
    parts.push(['## Wanted', '', markdownTable(CHECK_COLUMNS, checkRows(result.checks))].join('\n'));
  parts.push([...result.notes, machineLine(machine)].map((note) => `- ${note}`).join('\n'));
  return `${parts.join('\n\n')}\n`;
}

/** Writes `<folder>/<name>.json` and `.md`, each whole or not at all. Returns their paths. */
export async function writeReport(folder: string, report: Report): Promise<string[]> {
  const files: [string, string][] = [
    [join(folder, `${report.name}.json`), `${JSON.stringify(report, null, 2)}\n`],
    [join(folder, `${report.name}.md`), reportMarkdown(report)],
  ];
  for (const [path, text] of files) await writeFileAtomic(path, text);
  return files.map(([path]) => path);
}

/** Milliseconds with three digits: `1,234`, `56.7`. */
export function ms(value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A quotient: `1.52`. */
export function ratio(value: number): string {
  return value.toFixed(2);
}

/** A share: `75.3 %`. */
export function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

/** Memory: `2.31 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

const CHECK_COLUMNS = ['', 'what', 'wanted', 'measured'];

function checkRows(checks: readonly Check[]): Cell[][] {
  return checks.map(({ what, wanted, measured, passed }) => [passed ? '✓' : '✗', what, wanted, measured]);
}

function markdownTable(columns: readonly string[], rows: readonly Cell[][]): string {
  const cell = (value: Cell) =>
    value === undefined || value === null
      ? '–'
      : (typeof value === 'number' ? value.toLocaleString('en-US') : String(value)).replace(/\|/g, '\\|');
  const line = (cells: readonly Cell[]) => `| ${cells.map(cell).join(' | ')} |`;
  const rule = columns.map((_, c) => (rows.every((row) => /^[\d–-]/.test(cell(row[c]))) ? '---:' : '---'));
  return [line(columns), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}
