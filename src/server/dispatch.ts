/** One request from its head to its log line. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { nearest } from '../errors/index.js';
import { HttpError } from './httpError.js';
import { type Admitted, admit } from './inputs.js';
import { readQuery } from './query.js';
import { errorReply, send } from './respond.js';
import type { House, Reply, Route } from './route.js';

/** What is known of a request when it is over; one line of the log. */
export interface LogEntry {
  time: string;
  id: string;
  remote?: string;
  method?: string;
  path?: string;
  status: number;
  /** From the head to the answer. */
  milliseconds?: number;
  /** Bytes of the answer's body. */
  bytes?: number;
  inputs?: number;
  /** The error's code. */
  code?: string;
  /** What failed inside, which the client is not told. */
  cause?: string;
}

/** Hears of every request. */
export type Log = (entry: LogEntry, route: string) => void;

/** Status of a request whose client left before its answer; never sent. */
const CLIENT_LEFT = 499;
const LONGEST_PATH = 200;

/** Answers a request, whatever happens. */
export async function dispatch(
  house: House,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
  goOn: () => void = () => undefined,
): Promise<void> {
  const start = performance.now();
  const id = requestId(request);
  const path = pathOf(request);
  response.setHeader('x-request-id', id);
  const abort = new AbortController();
  let isReading = true;
  const deadline = setTimeout(() => abort.abort(isReading ? tooSlow() : tooLate()), 1000 * house.options.timeout);
  const entry: LogEntry = {
    time: new Date().toISOString(),
    id,
    remote: request.socket.remoteAddress,
    method: request.method,
    path: path.slice(0, LONGEST_PATH),
    status: CLIENT_LEFT,
  };
  const held: { admitted?: Admitted } = {};
  let route: Route | undefined;
  response.once('close', () => {
    if (response.writableFinished) return;
    entry.status = CLIENT_LEFT;
    abort.abort(new HttpError(CLIENT_LEFT, 'client_left', 'The client left.'));
  });
  let reply: Reply;
  try {
    route = routeOf(house, request, path);
    const query = readQuery(searchOf(request), route.query ?? {});
    reply = await route.handle({
      house,
      query,
      signal: abort.signal,
      inputs: async () => {
        const arrived = () => {
          isReading = false;
        };
        held.admitted = await admit(house, { request, signal: abort.signal, goOn, arrived });
        entry.inputs = held.admitted.inputs.length;
        return held.admitted.inputs;
      },
    });
  } catch (error) {
    const known = error instanceof HttpError ? error : failure(id);
    if (known !== error) entry.cause = error instanceof Error ? error.message.split('\n')[0] : String(error);
    entry.code = known.code;
    reply = errorReply(known);
  } finally {
    clearTimeout(deadline);
    held.admitted?.leave();
  }
  if (!response.destroyed) {
    entry.status = reply.status ?? 200;
    // A house that is about to close takes no further request on this connection.
    if (!house.isReady()) reply = { ...reply, headers: { ...reply.headers, connection: 'close' } };
    entry.bytes = send(request, response, reply);
  }
  entry.milliseconds = Number((performance.now() - start).toFixed(1));
  log(entry, route?.path ?? 'unknown');
}

/** The client's own id where it is one, else a new one. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?')[0];
}

function searchOf({ url = '/' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

/** The route of a request. @throws HttpError 404, 405, or 503 where the house takes no more */
function routeOf({ routes, model, isReady }: House, { method }: IncomingMessage, path: string): Route {
  const route = routes.find((one) => one.path === path);
  if (!route) {
    const near = nearest(
      path.slice(0, 100),
      routes.map((one) => one.path),
    );
    const hint = near === undefined ? 'GET / lists what there is' : `did you mean ${near}`;
    throw new HttpError(404, 'unknown_route', `There is nothing at this path: ${hint}.`);
  }
  const allowed = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
  if (!allowed.includes(method ?? '')) {
    throw new HttpError(405, 'wrong_method', `${route.path} takes ${allowed.join(' and ')}.`, {
      allow: allowed.join(', '),
    });
  }
  if (route.task && !model.tasks.includes(route.task)) {
    throw new HttpError(
      404,
      'unable',
      `The served model cannot ${route.task}: it can ${model.tasks.join(' and ')}; serve another checkpoint for that.`,
    );
  }
  if (route.task && !isReady()) {
    throw new HttpError(503, 'shutting_down', 'The server is shutting down: ask another one.', { 'retry-after': '5' });
  }
  return route;
}

function tooSlow(): HttpError {
  return new HttpError(408, 'request_timeout', 'The body did not arrive in time: send it faster, or less at a time.');
}

function tooLate(): HttpError {
  return new HttpError(503, 'timeout', 'There is too much to do at the moment: come again later.', {
    'retry-after': '5',
  });
}

function failure(id: string): HttpError {
  return new HttpError(500, 'internal', `Something failed here: the server's log tells more under ${id}.`);
}
