/** Why the file system refused, in a few words: its code (`ENOSPC`), or the first line of what it says. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.message.split('\n')[0];
}
