/** What a server measures of itself. */
import type { LogEntry } from './dispatch.js';
import type { Metrics } from './metrics.js';
import type { House } from './route.js';

/** Upper ends of buckets in seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const SIZES = [1, 2, 4, 8, 16, 32, 64];

/** Where the server's parts report. */
export interface Meters {
  request(entry: LogEntry, route: string): void;
  /** Does a batch and measures it. */
  batch<T>(program: string, size: number, run: () => Promise<T>): Promise<T>;
  /** Gauges of what is in the house. */
  house(house: House, connections: () => number): void;
}

/** Registers the server's metrics. */
export function createMeters(metrics: Metrics): Meters {
  const requests = metrics.counter('hip_http_requests_total', 'Requests answered, by route and status.');
  const durations = metrics.histogram(
    'hip_http_request_duration_seconds',
    'Time from the head of a request to its answer, by route.',
    SECONDS,
  );
  const inputs = metrics.counter('hip_inputs_total', 'Inputs decoded, by route.');
  const sizes = metrics.histogram('hip_batch_size', 'Inputs that went to the engine together, by task.', SIZES);
  const times = metrics.histogram('hip_batch_duration_seconds', 'Time of a batch in the engine, by task.', SECONDS);
  return {
    request: ({ status, milliseconds, inputs: count }, route) => {
      requests.add({ route, status });
      if (milliseconds !== undefined) durations.observe({ route }, milliseconds / 1000);
      if (count !== undefined) inputs.add({ route }, count);
    },
    batch: async (program, size, run) => {
      // Without the ratio or seed that follows, of which there are many.
      const labels = { task: program.split(' ')[0] };
      const start = performance.now();
      try {
        return await run();
      } finally {
        sizes.observe(labels, size);
        times.observe(labels, (performance.now() - start) / 1000);
      }
    },
    house: ({ queue, admitted, decoding, buffered, model, isReady }, connections) => {
      metrics.gauge('hip_queue_length', 'Inputs that wait for the engine.', () => queue.length);
      metrics.gauge(
        'hip_inputs_in_house',
        'Inputs between the end of their body and their result.',
        () => admitted.taken,
      );
      metrics.gauge('hip_inputs_decoding', 'Inputs that are being decoded.', () => decoding.taken);
      metrics.gauge('hip_buffered_bytes', 'Bytes of bodies in memory.', () => buffered.taken);
      metrics.gauge('hip_connections', 'Open connections.', connections);
      metrics.gauge('hip_ready', '1 while requests are taken.', () => Number(isReady()));
      metrics.gauge('hip_model_info', 'The served model.', () => 1, { model: model.name, tasks: model.tasks.join() });
      metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
      const started = Date.now() / 1000 - process.uptime();
      metrics.gauge('process_start_time_seconds', 'Start of the process since the epoch.', () => started);
    },
  };
}
