/** What the commands that export have in common. */
import { unknownName } from '../errors/index.js';
import { type ExportPrecision, type ExportTask, precisionNamed } from '../tasks/index.js';
import type { OptionSpec } from './command.js';
import { UsageError } from './usageError.js';

const TASKS = ['auto', 'features', 'classify', 'segment', 'reconstruct'];

/** `--task`: what the exported model gives. */
export const taskOption = {
  type: 'string',
  default: 'auto',
  help: 'features, classify, segment or reconstruct; auto: what the model was fine-tuned for, else features',
} as const satisfies OptionSpec;

/** The task that was typed. Throws with the nearest name where there is none. */
export function exportTask(typed: string): ExportTask | 'auto' {
  if (!TASKS.includes(typed)) throw new UsageError(unknownName('task', typed, TASKS).message);
  return typed as ExportTask | 'auto';
}

/** The precision that was typed. Throws with the nearest name where there is none. */
export function precision(typed: string): ExportPrecision {
  try {
    return precisionNamed(typed);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
