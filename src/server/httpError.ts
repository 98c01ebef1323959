/** What a request is refused with: one sentence, and a code that programs can rely on. */

/** An answer other than success. Its message is shown to the client as it stands. */
export class HttpError extends Error {
  override name = 'HttpError';

  /**
   * @param status of HTTP
   * @param code a short name of the reason, such as `too_many_pixels`; never changes
   * @param message one sentence: what is wrong, and the way out
   * @param headers further headers of the response
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** 503 where there is too much to do at the moment; the client may come again. */
export function busy(message: string): HttpError {
  return new HttpError(503, 'busy', message, { 'retry-after': '1' });
}
