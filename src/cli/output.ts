import type { Terminal } from './style.js';

/** A stream as the command line needs it: `process.stdout`, or a stand-in. */
export interface Sink extends Terminal {
  write(text: string): unknown;
}

/**
 * Where a command's words go. Results go to stdout; with `--json` stdout holds one JSON value and everything else goes
 * to stderr; progress goes to stderr, and nowhere with `--quiet`.
 */
export interface Output {
  /** A line that people read as part of the result. */
  print(line?: string): void;
  /** A line about the progress or a warning. */
  note(line: string): void;
  /** The result: `value` as JSON with `--json`, else the text that `describe` makes of it. */
  result(value: unknown, describe: () => string): void;
}

/** The output of one command. JSON cannot express `NaN` and infinities, so they become their names as strings. */
export function createOutput(stdout: Sink, stderr: Sink, { json = false, quiet = false } = {}): Output {
  const people = json ? stderr : stdout;
  const finite = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return {
    print: (line = '') => void people.write(`${line}\n`),
    note: (line) => void (quiet || stderr.write(`${line}\n`)),
    result: (value, describe) => void stdout.write(`${json ? JSON.stringify(value, finite, 2) : describe()}\n`),
  };
}
