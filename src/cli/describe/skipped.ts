import type { SkippedFile } from '../../data/index.js';
import { plural } from '../quantities.js';

const SHOWN = 20;

/** Updates that half precision cost. No line where there were none. */
export function describeSkippedUpdates(count: number): string[] {
  return count === 0 ? [] : [`left out      ${plural(count, 'update')}: a gradient was infinite in half precision`];
}

/** Files that could not be read: counted, and the first twenty listed. No lines where all could. */
export function describeSkipped(skipped: readonly SkippedFile[]): string[] {
  if (skipped.length === 0) return [];
  const more = skipped.length > SHOWN ? [`  and ${skipped.length - SHOWN} more`] : [];
  return [
    `${plural(skipped.length, 'unreadable file')} skipped:`,
    ...skipped.slice(0, SHOWN).map(({ file, reason }) => `  ${file}: ${reason}`),
    ...more,
  ];
}
