/** Terminal colours, or none: each function wraps a text in its escape codes where the stream shows colours. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
}

/** The part of a stream that decides about colours and widths. */
export interface Terminal {
  isTTY?: boolean;
  columns?: number;
}

/** Colours for a terminal, and none for files and pipes or where `NO_COLOR` (no-color.org) is set. */
export function styleFor(terminal: Terminal, environment: NodeJS.ProcessEnv = process.env): Style {
  const forced = (environment.FORCE_COLOR ?? '') !== '' && environment.FORCE_COLOR !== '0';
  const plain = (environment.NO_COLOR ?? '') !== '' || environment.TERM === 'dumb';
  const coloured = forced || (terminal.isTTY === true && !plain);
  const wrap = (on: number, off: number) => (text: string) => (coloured ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return { bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39), green: wrap(32, 39), cyan: wrap(36, 39) };
}

const escapeCodes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

/** Columns that `text` takes on a terminal: its characters without escape codes. */
export function visibleLength(text: string): number {
  return [...text.replace(escapeCodes, '')].length;
}

/** Breaks `text` between words into lines of at most `width` columns. A longer word keeps a line of its own. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((word) => word !== '')) {
    const last = lines.length - 1;
    if (last >= 0 && visibleLength(lines[last]) + 1 + visibleLength(word) <= width) lines[last] += ` ${word}`;
    else lines.push(word);
  }
  return lines.length > 0 ? lines : [''];
}
