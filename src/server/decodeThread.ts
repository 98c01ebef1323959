/** A thread that decodes one file after the other. Started by `createInputDecoder`. */
import { parentPort, workerData } from 'node:worker_threads';
import { decodeInput } from './decodeRequest.js';
import { HttpError } from './httpError.js';
import type { DecodeAnswer, DecodeTask, DecodeThreadData } from './inputDecoder.js';

const { reader, limits } = workerData as DecodeThreadData;
const port = parentPort!;

port.on('message', async ({ bytes, contentType }: DecodeTask) => {
  let answer: DecodeAnswer;
  try {
    answer = { example: await decodeInput(bytes, contentType, reader, limits) };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const { status, code, message } = error;
    answer = { refusal: { status, code, message } };
  }
  port.postMessage(answer);
});
