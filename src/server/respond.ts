/** Answers on the wire. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError } from './httpError.js';
import type { Reply } from './route.js';

/** Milliseconds and bytes that a refused client may go on sending: less, and it could lose the answer with the connection. */
const LINGER = { milliseconds: 1000, bytes: 64e6 };

/** The body of an error. */
export function errorReply({ status, code, message, headers }: HttpError): Reply {
  return { status, headers, body: { error: { code, message } } };
}

/**
 * Sends a reply. Where the request was not read to its end the connection is closed after it: what still arrives is thrown
 * away for a moment, so that the client gets to read why.
 * @returns bytes of the body
 */
export function send(request: IncomingMessage, response: ServerResponse, reply: Reply): number {
  const { status = 200, headers = {}, body, type } = reply;
  const isBytes = typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = Buffer.from(isBytes ? body : JSON.stringify(body));
  const isCut = status === 408 || leavesBody(request);
  response.writeHead(status, {
    'content-type': type ?? (isBytes ? 'application/octet-stream' : 'application/json; charset=utf-8'),
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
    ...(isCut ? { connection: 'close' } : {}),
  });
  if (!isCut || request.method === 'HEAD') {
    response.end(bytes);
    return bytes.length;
  }
  response.write(bytes);
  // Not ended yet: Node closes the connection as soon as it is, and unread bytes would make that a reset.
  let left = LINGER.bytes;
  const end = () => {
    clearTimeout(timer);
    request.removeAllListeners('data').pause();
    response.end();
  };
  const timer = setTimeout(end, LINGER.milliseconds);
  request
    .on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) end();
    })
    .once('end', end)
    .once('close', end)
    .resume();
  return bytes.length;
}

/** Whether more of the body may follow than is worth reading to keep the connection. */
function leavesBody({ complete, headers, readableDidRead }: IncomingMessage): boolean {
  const length = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Infinity;
  return !complete && length > 0 && (length > WORTH_READING || readableDidRead || headers.expect !== undefined);
}

const WORTH_READING = 2 ** 16;

/** What went wrong before there was a request to answer: by Node's code, the answer. */
export function brokenRequest(code: string | undefined): HttpError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new HttpError(408, 'request_timeout', 'The request did not arrive in time: send it faster.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new HttpError(431, 'headers_too_large', 'The headers are larger than 16 KB: send fewer.');
  }
  return new HttpError(400, 'bad_request', 'This is no HTTP/1.1 request.');
}

/** Answers on a bare connection and closes it. */
export function sendRaw(socket: Duplex, error: HttpError, id: string): void {
  const body = JSON.stringify(errorReply(error).body);
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
