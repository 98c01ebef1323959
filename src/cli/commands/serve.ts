import { ensure } from '../../errors/index.js';
import { defaultServeOptions, type LogEntry, openModel, startServer } from '../../server/index.js';
import { defineCommand } from '../command.js';
import { untilInterrupted } from '../interrupt.js';
import { countOption, deviceNamed, deviceOption } from '../modelOptions.js';
import { UsageError } from '../usageError.js';

const defaults = defaultServeOptions;

/** `hip serve`: a model over HTTP. */
export const command = defineCommand({
  name: 'serve',
  summary: 'Answer HTTP requests with a model: embed, classify, reconstruct, health, metrics',
  usage: 'MODEL [--port 8080] [--host 127.0.0.1] [options]',
  description:
    'POST files to /v1/embed, /v1/classify or /v1/reconstruct: as they are, as a form, or as JSON in base64. GET / ' +
    'documents the API, GET /health and GET /metrics are for machines. Requests are gathered into batches; what is too ' +
    'large, too slow or broken gets one sentence. Every request is one line of JSON on stderr. Ctrl-C finishes what is ' +
    'running; a second one ends at once.',
  options: {
    port: { type: 'number', default: defaults.port, help: '0: any that is free' },
    host: {
      type: 'string',
      default: defaults.host,
      placeholder: 'ADDRESS',
      help: '0.0.0.0: reachable from everywhere',
    },
    maxBody: { type: 'string', default: '20mb', placeholder: 'SIZE', help: 'largest body of a request' },
    maxPixels: { type: 'string', default: '50m', placeholder: 'COUNT', help: 'most pixels of an image' },
    maxDuration: { type: 'number', default: defaults.maxDuration, help: 'most seconds of a sound or video' },
    maxInputs: { type: 'number', default: defaults.maxInputs, help: 'most files of a request' },
    maxConcurrency: { type: 'number', help: 'files that are decoded at one time (default: the number of cores)' },
    maxQueue: { type: 'number', default: defaults.maxQueue, help: 'files that are worked on or wait; more get 503' },
    maxConnections: { type: 'number', default: defaults.maxConnections, help: 'connections at one time' },
    batchSize: { type: 'number', default: defaults.batchSize, help: 'most inputs that the engine gets at a time' },
    batchWait: {
      type: 'number',
      default: defaults.batchWait,
      help: 'milliseconds that it waits for others on their way',
    },
    timeout: { type: 'number', default: defaults.timeout, help: 'seconds from a request to its answer' },
    threads: { type: 'number', help: 'threads of the engine (default: the number of cores)' },
    device: deviceOption,
  },
  positionals: [
    { name: 'MODEL', help: 'checkpoint or run folder, .safetensors file, or .onnx file that "hip export" wrote' },
  ],
  examples: [
    'hip serve runs/first-finetune',
    'hip serve classifier.onnx --port 9000 --threads 1',
    'hip serve runs/first --host 0.0.0.0 --max-body 5mb --max-pixels 12m --timeout 10 --quiet',
    'curl "http://127.0.0.1:8080/v1/classify?top=3" -F file=@cat.jpg -F file=@dog.png',
  ],
  run: async ({ positionals: [path], options, quiet, json, output }) => {
    const { port, host, device, batchWait, timeout } = options;
    ensure(
      Number.isInteger(port) && port >= 0 && port <= 65535,
      () => `--port must be a whole number of 0 to 65535, not ${port}.`,
    );
    ensure(batchWait >= 0 && batchWait <= 1e4, () => `--batch-wait must lie between 0 and 10000 ms, not ${batchWait}.`);
    ensure(timeout > 0 && timeout <= 3600, () => `--timeout must lie between 0 and 3600 seconds, not ${timeout}.`);
    ensure(options.maxDuration > 0, () => `--max-duration must be above 0 seconds, not ${options.maxDuration}.`);
    const limits = {
      ...{ port, host, batchWait, timeout },
      batchSize: countOption('--batch-size', options.batchSize),
      maxBody: amount('--max-body', options.maxBody),
      maxPixels: amount('--max-pixels', options.maxPixels),
      maxDuration: options.maxDuration,
      maxInputs: countOption('--max-inputs', options.maxInputs),
      maxConcurrency: countOption('--max-concurrency', options.maxConcurrency ?? defaults.maxConcurrency),
      maxQueue: countOption('--max-queue', options.maxQueue),
      maxConnections: countOption('--max-connections', options.maxConnections),
    };
    ensure(
      limits.maxInputs <= limits.maxQueue,
      () => `--max-queue must be at least --max-inputs (${limits.maxInputs}), not ${limits.maxQueue}.`,
    );
    const threads = countOption('--threads', options.threads);
    const model = await openModel(path, { device: deviceNamed(device), threads, batchSize: limits.batchSize });
    const log = quiet ? undefined : (entry: LogEntry) => output.note(JSON.stringify(entry));
    const server = await startServer(model, limits, log).catch(async (error) => {
      await model.close();
      throw error;
    });
    const { name, tasks } = model;
    if (json) output.result({ url: server.url, model: name, tasks, pid: process.pid }, () => '');
    else output.print(`Serving ${name} (${tasks.join(', ')}) on ${server.url}`);
    await untilInterrupted(async (signal) => {
      const interrupted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      await Promise.race([interrupted, server.failed]);
      output.note('Finishing what is running; Ctrl-C again ends at once.');
      await server.close();
    });
    return 0;
  },
});

const SUFFIXES: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** `20mb`, `50m`, `4096`: a count with a decimal prefix, and `b` or not. */
function amount(flag: string, typed: string): number {
  const [, number, suffix = ''] = /^(\d+(?:\.\d+)?) ?([kmg]?)b?$/i.exec(typed.trim()) ?? [];
  const value = Math.round(Number(number) * SUFFIXES[suffix.toLowerCase()]);
  if (!(value >= 1)) throw new UsageError(`${flag} must be a number such as 20mb, 500k or 4096, not "${typed}".`);
  return value;
}
