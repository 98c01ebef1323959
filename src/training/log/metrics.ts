/** `metrics.jsonl`: what was measured, one JSON object a line. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { readError, writeFileAtomic } from '../../checkpoint/index.js';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { AppendFile } from './appendFile.js';

/** One line: the global step, the time in seconds since 1970, and any further values. */
export interface MetricsRecord {
  step: number;
  /** Added when the record is appended, unless given. */
  wallTime: number;
  [name: string]: unknown;
}

/** JSON has no such numbers, and they are just what one looks for in the log of a run that went wrong: kept as text. */
const NON_FINITE = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** Appends to `metrics.jsonl`. Each line is in the system's hands when `append` returns: `kill -9` loses none. */
export class MetricsLog {
  private constructor(private readonly file: AppendFile) {}

  /**
   * Opens a log, made where it is missing. A last line torn by a crash is cut off.
   * @param options.resumeStep the step of the checkpoint from which the run goes on: later lines are cut off, since
   *   those steps will be made again.
   */
  static async open(path: string, options: { resumeStep?: number } = {}): Promise<MetricsLog> {
    if (existsSync(path)) {
      const text = await readText(path);
      const kept = parseLines(path, text).filter(
        ({ record }) => record.step <= (options.resumeStep ?? Number.POSITIVE_INFINITY),
      );
      const cleaned = kept.map(({ line }) => `${line}\n`).join('');
      if (cleaned !== text) await writeFileAtomic(path, cleaned);
    }
    return new MetricsLog(new AppendFile(path));
  }

  /** Writes one line. Throws a sentence where the step is no whole number or the file cannot be written. */
  append(record: { step: number; [name: string]: unknown }): void {
    ensure(
      Number.isSafeInteger(record.step),
      () => `A line of ${this.file.path} needs a whole step, not ${record.step}.`,
    );
    const { step, wallTime = Date.now() / 1000, ...values } = record;
    const line = JSON.stringify({ step, wallTime, ...values }, (_, value) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
    );
    this.file.append(new TextEncoder().encode(`${line}\n`));
  }

  close(): void {
    this.file.close();
  }
}

/**
 * The records of a `metrics.jsonl`, also of a run that is still going on or was killed: a torn last line is left out.
 * @throws HiperceiverError where the file is missing or another line is no record.
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  return parseLines(path, await readText(path)).map(({ record }) => record);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw readError(error, path);
  }
}

function parseLines(path: string, text: string): { line: string; record: MetricsRecord }[] {
  const lines = text.split('\n');
  // What follows the last line feed is nothing, or a line that was being written.
  const torn = lines.pop() as string;
  const records = lines.map((line, index) => {
    const record = parseRecord(line);
    if (!record)
      throw new HiperceiverError(`Line ${index + 1} of ${path} is no metrics record: remove the line or the file.`);
    return { line, record };
  });
  const last = parseRecord(torn);
  if (last) records.push({ line: torn, record: last });
  return records;
}

function parseRecord(line: string): MetricsRecord | undefined {
  try {
    const record = JSON.parse(line, (_, value) => NON_FINITE.get(value) ?? value) as MetricsRecord | null;
    return Number.isSafeInteger(record?.step) ? (record as MetricsRecord) : undefined;
  } catch {
    return undefined;
  }
}
