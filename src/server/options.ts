/** What a server is allowed to take and hold. */
import { availableParallelism } from 'node:os';
import { ensure } from '../errors/index.js';

/** Limits and manners of a server; every default is in {@link defaultServeOptions}. */
export interface ServeOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Bytes of one request's body. */
  maxBody: number;
  /** Bytes of all bodies that are held at one time. */
  maxBuffered: number;
  /** Pixels of one image, read from its header. */
  maxPixels: number;
  /** Seconds of one sound or video, read from its header. */
  maxDuration: number;
  /** Inputs (files) of one request. */
  maxInputs: number;
  /** Inputs that are decoded at one time. */
  maxConcurrency: number;
  /** Inputs that are in the house at one time, from the end of their body to their result. */
  maxQueue: number;
  maxConnections: number;
  /** Inputs that the engine gets at a time, at most. */
  batchSize: number;
  /** Milliseconds that the engine waits for others which are on their way. */
  batchWait: number;
  /** Seconds from the head of a request to its answer, of which its body may take all; a shutdown waits as long. */
  timeout: number;
  /** Seconds within which a request's head must be there. */
  headersTimeout: number;
  /** Seconds that an idle connection is kept. */
  keepAlive: number;
}

/** What holds where nothing is said. */
export const defaultServeOptions: ServeOptions = {
  host: '127.0.0.1',
  port: 8080,
  maxBody: 20e6,
  maxBuffered: 256e6,
  maxPixels: 50e6,
  maxDuration: 600,
  maxInputs: 32,
  maxConcurrency: availableParallelism(),
  maxQueue: 256,
  maxConnections: 512,
  batchSize: 8,
  batchWait: 5,
  timeout: 30,
  headersTimeout: 10,
  keepAlive: 5,
};

/** The options with their defaults. @throws HiperceiverError naming the one that makes no sense */
export function serveOptions(given: Partial<ServeOptions>): ServeOptions {
  const options = { ...defaultServeOptions, ...given };
  const whole = ['maxBody', 'maxPixels', 'maxInputs', 'maxConcurrency', 'maxQueue', 'maxConnections', 'batchSize'];
  for (const [name, value] of Object.entries(options)) {
    const least = name === 'port' || name === 'batchWait' ? 0 : whole.includes(name) ? 1 : 0.01;
    const isWhole = name === 'port' || whole.includes(name);
    ensure(
      typeof value === 'string' || (Number.isFinite(value) && value >= least && (!isWhole || Number.isInteger(value))),
      () => `${name} is ${value}: give a ${isWhole ? 'whole ' : ''}number of at least ${least}.`,
    );
  }
  ensure(options.port <= 65535, () => `port is ${options.port}: give one of 0 to 65535.`);
  ensure(
    options.maxInputs <= options.maxQueue,
    () =>
      `A request of maxInputs (${options.maxInputs}) inputs does not fit into the queue of ${options.maxQueue}: raise maxQueue.`,
  );
  return { ...options, maxBuffered: Math.max(options.maxBuffered, 2 * options.maxBody) };
}
