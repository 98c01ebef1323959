import type { Route } from '../route.js';

const SCHEMA = {
  type: 'object',
  required: ['live', 'ready'],
  properties: { live: { type: 'boolean' }, ready: { type: 'boolean' }, model: { type: 'object' } },
};

/** Whether requests are taken. */
export const health: Route = {
  method: 'GET',
  path: '/health',
  summary: 'Whether requests are taken, and of which model',
  description: 'Live as long as it answers at all; ready while it takes requests: not while it shuts down.',
  responses: {
    200: { description: 'Ready.', types: { 'application/json': SCHEMA } },
    503: { description: 'Live, and not ready.', types: { 'application/json': SCHEMA } },
  },
  handle({ house }) {
    const { name, tasks, modalities, classes } = house.model;
    const ready = house.isReady();
    const model = {
      name,
      tasks,
      inputs: modalities.map(({ name, indexShape, channels }) => ({ name, shape: [...indexShape, channels] })),
      classes: classes?.length,
    };
    return { status: ready ? 200 : 503, body: { live: true, ready, model } };
  },
};
