import type { Route } from '../route.js';

/** Counts and times for Prometheus. */
export const metrics: Route = {
  method: 'GET',
  path: '/metrics',
  summary: 'Counts and times, in the Prometheus text format',
  responses: { 200: { description: 'All metrics.', types: { 'text/plain': { type: 'string' } } } },
  handle: ({ house }) => ({ body: house.metrics.text(), type: 'text/plain; version=0.0.4; charset=utf-8' }),
};
