import { HiperceiverError } from '../errors/index.js';

/** A command line that cannot be understood; the process ends with exit code 2 after naming the help to read. */
export class UsageError extends HiperceiverError {
  override name = 'UsageError';
}
