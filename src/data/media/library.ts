/** FFmpeg's libraries through the optional package node-av, loaded when the first compressed file comes. */
import { HiperceiverError } from '../../errors/index.js';

/** What of node-av is used: contexts, packets and frames as in FFmpeg itself, and its constants by their names. */
export type Library = typeof import('node-av/lib') & typeof import('node-av/constants');

let loading: Promise<Library> | undefined;

/**
 * The library, silenced: damaged files are reported by our own reasons.
 * @throws HiperceiverError where the package is not installed, or has no binary for this machine
 */
export function loadLibrary(): Promise<Library> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Library> {
  let library: Library;
  try {
    library = { ...(await import('node-av/lib')), ...(await import('node-av/constants')) };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const why = missing ? '' : ` (installed, but it does not load here: ${firstLine(error)})`;
    throw new HiperceiverError(
      `Compressed sound and video need the package node-av${why}: run npm install node-av, or give WAV and image files.`,
    );
  }
  library.Log.setLevel(library.AV_LOG_QUIET);
  return library;
}

/** An FFmpeg error code in words. */
export function codeInWords(library: Library, code: number): string {
  return library.FFmpegError.strerror(code).toLowerCase();
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error)
    .trim()
    .split('\n')[0];
}
