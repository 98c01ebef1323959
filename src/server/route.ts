/** What a route is, and what it has to work with. */
import type { BatchQueue } from './batchQueue.js';
import type { Budget } from './budget.js';
import type { InputDecoder } from './inputDecoder.js';
import type { Metrics } from './metrics.js';
import type { Example, Feeds, Outputs, ServedModel, Task } from './model/servedModel.js';
import type { ServeOptions } from './options.js';
import type { Query, QueryParameters } from './query.js';

/** All that the routes of one server share. */
export interface House {
  model: ServedModel;
  options: ServeOptions;
  decoder: InputDecoder;
  queue: BatchQueue<Feeds, Outputs>;
  metrics: Metrics;
  routes: readonly Route[];
  /** Bytes of bodies; inputs from the end of their body to their result; inputs that are being decoded. */
  buffered: Budget;
  admitted: Budget;
  decoding: Budget;
  /** Whether requests are taken: not while shutting down, and not after the engine failed. */
  isReady(): boolean;
}

/** One input of a request, decoded. */
export interface Input extends Example {
  name?: string;
}

/** One request, as a route sees it. */
export interface Call {
  house: House;
  query: Query;
  /** Aborted when the client leaves or the time is over. */
  signal: AbortSignal;
  /** Reads, decodes and counts the request's files. @throws HttpError where they are refused */
  inputs(): Promise<Input[]>;
}

/** An answer. */
export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** An object becomes JSON. */
  body: Buffer | string | object;
  /** Media type of a text or of bytes. */
  type?: string;
}

/** One method of one path. */
export interface Route {
  method: 'GET' | 'POST';
  path: string;
  /** One line. */
  summary: string;
  description?: string;
  query?: QueryParameters;
  /** What the model must be able to do; other models answer 404. */
  task?: Task;
  /** What is sent back, by status, as the documentation shows it. */
  responses: Record<number, { description: string; types: Record<string, object> }>;
  handle(call: Call): Promise<Reply> | Reply;
}
