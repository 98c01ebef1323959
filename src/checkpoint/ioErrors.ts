/** One sentence for each way in which the file system refuses: what, which file, and the way out. */

import { HiperceiverError } from '../errors/index.js';

/** The system's error code (`ENOENT`, `ENOSPC`, …) of a failed file operation, or undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What to throw for `error`, raised while `path` was written. Errors that are no file-system error stay as they are. */
export function writeError(error: unknown, path: string): unknown {
  if (error instanceof HiperceiverError) return error;
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return refusal(error, `The disk is full while writing ${path}: free space or choose another --out.`);
    case 'EFBIG':
      return refusal(error, `${path} is larger than the file system or the user's limit allows: choose another --out.`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return refusal(error, `${path} may not be written: change its permissions or choose another --out.`);
    case 'ENOTDIR':
    case 'EEXIST':
      return refusal(
        error,
        `${path} cannot be written because a file stands where a folder is needed: move it or choose another --out.`,
      );
    case 'EISDIR':
      return refusal(error, `${path} cannot be written because it is a folder: choose another --out.`);
    default:
      return systemError(error, `${path} could not be written`);
  }
}

/** What to throw for `error`, raised while `path` was read. Errors that are no file-system error stay as they are. */
export function readError(error: unknown, path: string): unknown {
  if (error instanceof HiperceiverError) return error;
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return refusal(error, `${path} does not exist: check the path.`);
    case 'EACCES':
    case 'EPERM':
      return refusal(error, `${path} may not be read: change its permissions.`);
    case 'EISDIR':
      return refusal(error, `${path} is a folder where a file was expected: name the file in it.`);
    default:
      return systemError(error, `${path} could not be read`);
  }
}

function systemError(error: unknown, what: string): unknown {
  const code = errorCode(error);
  return code === undefined || !/^E[A-Z0-9]+$/.test(code)
    ? error
    : refusal(error, `${what}: the system reports ${code}.`);
}

function refusal(cause: unknown, message: string): HiperceiverError {
  return new HiperceiverError(message, { cause });
}
