/** The bytes of a request's body, within limits. */
import type { IncomingMessage } from 'node:http';
import type { Budget } from './budget.js';
import { busy, HttpError } from './httpError.js';

/** What a body may cost. */
export interface BodyLimits {
  /** Bytes. */
  maxBody: number;
  /** Bytes of all bodies in memory; what was taken of it is for the caller to give back. */
  buffered: Budget;
  /** Ends the reading with its reason. */
  signal: AbortSignal;
}

/** A body and what it took of {@link BodyLimits.buffered}. */
export interface Body {
  bytes: Buffer;
  taken: number;
}

/** Refuses a body from its head alone. @throws HttpError 413 for its length, 415 for its coding */
export function checkBodyHeaders({ headers }: IncomingMessage, maxBody: number): void {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') {
    throw new HttpError(
      415,
      'unsupported_encoding',
      `A body in content-encoding ${coding} is not taken: send it as it is.`,
    );
  }
  if (Number(headers['content-length'] ?? 0) > maxBody) throw tooLarge(maxBody);
}

/**
 * Reads a body. What the head says about its length is not trusted: reading stops at the first byte too many.
 * @throws HttpError 413 for too many bytes, 503 where all bodies together are too many, 400 where it ends early
 */
export function readBody(request: IncomingMessage, { maxBody, buffered, signal }: BodyLimits): Promise<Body> {
  const chunks: Buffer[] = [];
  let taken = 0;
  return new Promise((resolve, reject) => {
    const stop = (error: unknown) => {
      request.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut).pause();
      signal.removeEventListener('abort', onAbort);
      chunks.length = 0;
      buffered.give(taken);
      reject(error);
    };
    const onAbort = () => stop(signal.reason);
    const onCut = () =>
      stop(new HttpError(400, 'body_cut_off', 'The body ended before it was complete: send it again.'));
    const onData = (chunk: Buffer) => {
      if (taken + chunk.length > maxBody) stop(tooLarge(maxBody));
      else if (!buffered.take(chunk.length)) stop(busy('Too many bodies are being received: come again in a moment.'));
      else {
        taken += chunk.length;
        chunks.push(chunk);
      }
    };
    const onEnd = () => {
      request.off('close', onCut);
      signal.removeEventListener('abort', onAbort);
      resolve({ bytes: Buffer.concat(chunks), taken });
    };
    if (signal.aborted) onAbort();
    else {
      signal.addEventListener('abort', onAbort);
      request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
    }
  });
}

function tooLarge(maxBody: number): HttpError {
  return new HttpError(
    413,
    'body_too_large',
    `The body is larger than ${maxBody.toLocaleString('en-US')} bytes: send smaller files, or fewer at a time.`,
  );
}
