/** From a request's body to decoded inputs, within the house's limits. */
import type { IncomingMessage } from 'node:http';
import { nameOfPart, unsupportedType } from './decodeRequest.js';
import { busy, HttpError } from './httpError.js';
import { checkBodyHeaders, readBody } from './requestBody.js';
import { ANY_TYPE, CONTAINER_TYPES, mediaType, type Part, partsOf } from './requestParts.js';
import type { House, Input } from './route.js';

/** Inputs, and the way to give back the places that they take. */
export interface Admitted {
  inputs: Input[];
  /** Called when the request is over. */
  leave(): void;
}

/** What of a request is read here. */
export interface Arrival {
  request: IncomingMessage;
  signal: AbortSignal;
  /** Tells a client that waits for it (`expect: 100-continue`) to send the body. */
  goOn(): void;
  /** Called when the body is there. */
  arrived(): void;
}

/**
 * Reads and decodes the files of a request. What can be refused from its head is refused before its body is read.
 * @throws HttpError where it is refused
 */
export async function admit(house: House, { request, signal, goOn, arrived }: Arrival): Promise<Admitted> {
  const { options, decoder, buffered, admitted } = house;
  const { headers } = request;
  const type = mediaType(headers['content-type']);
  if (![...CONTAINER_TYPES, ANY_TYPE, ...decoder.types].includes(type)) {
    throw unsupportedType(type, [...decoder.types, ...CONTAINER_TYPES]);
  }
  checkBodyHeaders(request, options.maxBody);
  if (admitted.taken >= admitted.capacity) throw full();
  goOn();
  const { bytes, taken } = await readBody(request, { maxBody: options.maxBody, buffered, signal });
  arrived();
  let places = 0;
  try {
    const parts = await partsOf(bytes, headers['content-type'], options.maxInputs);
    if (!admitted.take(parts.length)) throw full();
    places = parts.length;
    return { inputs: await decodeAll(house, parts, signal), leave: () => admitted.give(places) };
  } catch (error) {
    admitted.give(places);
    throw error;
  } finally {
    buffered.give(taken);
  }
}

async function decodeAll({ decoder, decoding }: House, parts: readonly Part[], signal: AbortSignal): Promise<Input[]> {
  const outcomes = await Promise.allSettled(
    parts.map((part) =>
      decoding.within(async () => {
        signal.throwIfAborted();
        return { name: part.name, ...(await decoder.decode(part.bytes, part.type)) };
      }),
    ),
  );
  // All are awaited even where one fails: their bytes count as held until then.
  return outcomes.map((outcome, i) => {
    if (outcome.status === 'fulfilled') return outcome.value;
    const { reason } = outcome;
    if (!(reason instanceof HttpError)) throw reason;
    const { status, code, message, headers } = reason;
    throw new HttpError(status, code, nameOfPart(parts[i], i, parts.length) + message, headers);
  });
}

function full(): HttpError {
  return busy('The queue is full: come again in a moment.');
}
