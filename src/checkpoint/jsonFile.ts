/** JSON files of a checkpoint: read with errors that name the file, written without values that JSON cannot hold. */

import { readFile } from 'node:fs/promises';
import { ensure, HiperceiverError } from '../errors/index.js';
import { readError } from './ioErrors.js';

/** The JSON object in a file. @throws HiperceiverError where it is missing, empty, cut off or no object. */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw readError(error, path);
  }
  ensure(text.trim() !== '', () => `${path} is empty: its writing was interrupted; use another checkpoint.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HiperceiverError(`${path} is not JSON: it is cut off, damaged or of another format.`);
  }
  ensure(
    typeof value === 'object' && value !== null && !Array.isArray(value),
    () => `${path} does not hold a JSON object: it is damaged or of another format.`,
  );
  return value as Record<string, unknown>;
}

/**
 * An object as indented JSON with a final newline. NaN and the infinities, which JSON would turn into null without a
 * word, are refused.
 */
export function encodeJson(path: string, value: Record<string, unknown>): string {
  const text = JSON.stringify(
    value,
    (key, item) => {
      ensure(
        typeof item !== 'number' || Number.isFinite(item),
        () => `${path} cannot hold "${key}": ${item} is no JSON number.`,
      );
      ensure(typeof item !== 'bigint', () => `${path} cannot hold "${key}": write the big integer ${item} as text.`);
      return item;
    },
    2,
  );
  return `${text}\n`;
}
