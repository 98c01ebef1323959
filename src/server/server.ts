/** The HTTP server: connections, limits on them, and an end in good order. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorCode } from '../checkpoint/index.js';
import { HiperceiverError } from '../errors/index.js';
import { BatchQueue } from './batchQueue.js';
import { Budget } from './budget.js';
import { dispatch, type Log, type LogEntry, requestId } from './dispatch.js';
import { createInputDecoder } from './inputDecoder.js';
import { createMeters } from './meters.js';
import { Metrics } from './metrics.js';
import type { Feeds, Outputs, ServedModel } from './model/servedModel.js';
import { type ServeOptions, serveOptions } from './options.js';
import { brokenRequest, sendRaw } from './respond.js';
import type { House } from './route.js';
import { routes } from './routes/index.js';

/** A server that takes requests. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:8080`. */
  url: string;
  port: number;
  /**
   * Takes no more requests, finishes those that run, and gives the model back. What is not done after the timeout of a
   * request is cut off.
   */
  close(): Promise<void>;
  /** Rejected when the model cannot run any more, which only a new process mends. */
  failed: Promise<never>;
}

/** Milliseconds between looks at connections: for slow ones, and for idle ones while closing. */
const LOOK = 500;

/**
 * Serves a model. The model is the server's from here on: closing one closes the other.
 * @param log hears of every request when it is over
 * @throws HiperceiverError where the port cannot be had
 */
export async function startServer(
  model: ServedModel,
  given: Partial<ServeOptions> = {},
  log: (entry: LogEntry) => void = () => undefined,
): Promise<RunningServer> {
  const options = serveOptions(given);
  const metrics = new Metrics();
  const meters = createMeters(metrics);
  const decoder = createInputDecoder(model, options, options.timeout);
  const [buffered, admitted, decoding] = [options.maxBuffered, options.maxQueue, options.maxConcurrency].map(
    (capacity) => new Budget(capacity),
  );
  let isClosing = false;
  let fail: (error: HiperceiverError) => void;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => (isClosing = true));
  const queue = new BatchQueue<Feeds, Outputs>({
    batchSize: Math.max(options.batchSize, model.batchSize),
    waitMs: options.batchWait,
    expected: () => decoding.taken,
    run: (program, examples) =>
      meters
        .batch(program, examples.length, () => model.run(program, examples))
        .catch(async (error) => {
          await model.probe().catch((again: Error) => fail(new HiperceiverError(again.message)));
          throw error;
        }),
  });
  const house: House = {
    ...{ model, options, decoder, queue, metrics, routes, buffered, admitted, decoding },
    isReady: () => !isClosing,
  };
  const note: Log = (entry, route) => {
    meters.request(entry, route);
    log(entry);
  };
  const server = httpServer(house, note);
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    socket.once('close', () => connections--);
  });
  meters.house(house, () => connections);
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${host}:${port}`,
    port,
    failed,
    close: () => {
      isClosing = true;
      closed ??= closeServer(server, options.timeout + 1).then(async () => {
        await Promise.all([model.close(), decoder.close()]);
      });
      return closed;
    },
  };
}

function httpServer(house: House, log: Log): Server {
  const { timeout, headersTimeout, keepAlive, maxConnections } = house.options;
  const server = createServer({
    // A body has the whole of `timeout`; this is for heads, and the rest of what is not read by then.
    requestTimeout: 1000 * (timeout + 2 * keepAlive),
    headersTimeout: 1000 * Math.min(headersTimeout, timeout),
    keepAliveTimeout: 1000 * keepAlive,
    connectionsCheckingInterval: LOOK,
    maxHeaderSize: 16384,
  });
  // A connection on which nothing moves: a client that does not take its answer.
  server.setTimeout(2000 * timeout + 1000 * keepAlive);
  server.maxConnections = maxConnections;
  const answering = new WeakMap<Socket, ServerResponse>();
  const answer = (request: IncomingMessage, response: ServerResponse, goOn?: () => void) => {
    answering.set(request.socket, response);
    // Whatever goes wrong beyond its own answers costs this connection, and not the others.
    dispatch(house, request, response, log, goOn).catch(() => response.destroy());
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => answer(request, response));
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    answer(request, response, () => response.writeContinue()),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const current = answering.get(socket);
    const isInAnswer = current?.headersSent && !current.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isInAnswer) {
      socket.destroy();
      return;
    }
    const id = requestId({ headers: {} });
    const broken = brokenRequest(error.code);
    sendRaw(socket, broken, id);
    const { status, code } = broken;
    log({ time: new Date().toISOString(), id, remote: socket.remoteAddress, status, code }, 'unknown');
  });
  return server;
}

async function listening(server: Server, { host, port }: ServeOptions): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port, backlog: 511 }, resolve);
    });
  } catch (error) {
    const reasons: Record<string, string> = {
      EADDRINUSE: `Port ${port} is in use: choose another with --port, or 0 for any that is free.`,
      EACCES: `Port ${port} is not for everybody: choose one above 1023 with --port.`,
      EADDRNOTAVAIL: `${host} is no address of this machine: choose another with --host, such as 127.0.0.1 or 0.0.0.0.`,
      ENOTFOUND: `${host} is no address of this machine: choose another with --host, such as 127.0.0.1 or 0.0.0.0.`,
    };
    throw new HiperceiverError(reasons[errorCode(error) ?? ''] ?? `Cannot listen: ${(error as Error).message}.`);
  }
}

async function closeServer(server: Server, seconds: number): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), LOOK / 10);
  const deadline = setTimeout(() => server.closeAllConnections(), 1000 * seconds);
  await ended;
  clearInterval(idle);
  clearTimeout(deadline);
}
