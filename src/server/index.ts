/** Models over HTTP: `startServer(await openModel(path, { batchSize: 8 }), { port: 8080 })`. */
export { type DecodeLimits, decodeInput, inputReader } from './decodeRequest.js';
export type { LogEntry } from './dispatch.js';
export { openModel } from './model/openModel.js';
export type { Example, ServedModel, Signals, Task } from './model/servedModel.js';
export { defaultServeOptions, type ServeOptions, serveOptions } from './options.js';
export { type RunningServer, startServer } from './server.js';
