import { openApiDocument } from '../openApiDocument.js';
import type { Route } from '../route.js';

/** This API for programs. */
export const openapi: Route = {
  method: 'GET',
  path: '/openapi.json',
  summary: 'This API as an OpenAPI 3.1 document',
  responses: { 200: { description: 'The document.', types: { 'application/json': { type: 'object' } } } },
  handle: ({ house }) => ({ body: openApiDocument(house) }),
};
