import type { LeftOut, SkippedFile } from '../../data/index.js';
import { plural } from '../quantities.js';

const SHOWN = 20;

/** Updates that half precision cost. No line where there were none. */
export function describeSkippedUpdates(count: number): string[] {
  return count === 0 ? [] : [`left out      ${plural(count, 'update')}: a gradient was infinite in half precision`];
}

/** Files that could not be read: counted, and the first twenty listed. No lines where all could. */
export function describeSkipped(skipped: readonly SkippedFile[]): string[] {
  return listed(`${plural(skipped.length, 'unreadable file')} skipped:`, skipped);
}

/** What was left out: files that could not be read, and parts of others. */
export function describeLeftOut({ skipped, flawed }: LeftOut): string[] {
  return [...describeSkipped(skipped), ...listed(`${plural(flawed.length, 'file')} read in part:`, flawed)];
}

function listed(title: string, files: readonly SkippedFile[]): string[] {
  if (files.length === 0) return [];
  const more = files.length > SHOWN ? [`  and ${files.length - SHOWN} more`] : [];
  return [title, ...files.slice(0, SHOWN).map(({ file, reason }) => `  ${file}: ${reason}`), ...more];
}
