/** Ctrl-C and SIGTERM for commands that save before they end. */

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Does `work` with a signal that is aborted by the first SIGINT or SIGTERM; a second one ends the process at once.
 * @returns what `work` returned, and the exit code: 0, or 128 and the signal's number
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ result: T; code: number }> {
  const abort = new AbortController();
  let code = 0;
  const stop = (signal: NodeJS.Signals) => {
    if (abort.signal.aborted) process.exit(code);
    code = CODES[signal as keyof typeof CODES];
    abort.abort();
  };
  for (const signal of Object.keys(CODES)) process.on(signal, stop);
  try {
    const result = await work(abort.signal);
    return { result, code };
  } finally {
    for (const signal of Object.keys(CODES)) process.off(signal, stop);
  }
}
